package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// cometdPage is a customer's page with the unmodified cometd package of npm.
const cometdPage = `<!doctype html><title>CometD</title><link rel=icon href=data:,><script type="module">
import { CometD, AckExtension } from './cometd/cometd.js';
const service = '/service/chatV2/customer-support';
const envelopes = [];
const waiting = [];
window.chat = {
  connect: (url, transport, ack) => new Promise((resolve, reject) => {
    const cometd = new CometD();
    window.chat.cometd = cometd;
    if (ack) cometd.registerExtension('ack', new AckExtension());
    for (const type of cometd.getTransportTypes()) if (type !== transport) cometd.unregisterTransport(type);
    cometd.configure({ url, logLevel: 'error' });
    cometd.addListener(service, (message) => {
      envelopes.push(message.data);
      for (const look of waiting.splice(0)) look();
    });
    cometd.handshake((reply) => (reply.successful ? resolve(cometd.getTransport().type) : reject(new Error(JSON.stringify(reply)))));
  }),
  do: (data) => new Promise((resolve) => {
    const secureKey = envelopes.find((e) => e.secureKey)?.secureKey;
    window.chat.cometd.publish(service, secureKey ? { secureKey, ...data } : data, (reply) => resolve(reply.successful));
  }),
  chatId: async () => { await window.chat.until(1); return envelopes.find((e) => e.chatId).chatId; },
  // The texts of all messages, once there are that many.
  until: async (n) => {
    const all = () => envelopes.flatMap((e) => e.messages.map((m) => m.type + ' ' + (m.text ?? '')));
    while (all().length < n) await new Promise((resolve) => waiting.push(resolve));
    return all();
  },
  close: () => new Promise((resolve) => window.chat.cometd.disconnect(resolve)),
};
window.chatReady = true;
</script>`

// The page is of another site than the interface, as pages of a shop are: the browser asks first,
// and sends no cookie.
func TestCometD_APageOfAnotherSite(t *testing.T) {
	t.Parallel()
	files := http.NewServeMux()
	files.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(cometdPage))
	})
	files.Handle("GET /cometd/", http.StripPrefix("/cometd/", http.FileServer(http.Dir("../../web/node_modules/cometd"))))
	host := httptest.NewServer(files)
	t.Cleanup(host.Close)
	origin := strings.Replace(host.URL, "127.0.0.1", "localhost", 1)
	world, url := startCometD(t, origin)

	for _, c := range []struct {
		transport string
		ack       bool
	}{{"long-polling", true}, {"long-polling", false}, {"websocket", false}, {"callback-polling", false}} {
		name := c.transport
		if c.ack {
			name += " with acknowledgements"
		}
		t.Run(name, func(t *testing.T) {
			p := newPage(t)
			p.open(origin)
			tell(p, "async () => { while (!window.chatReady) await new Promise((resolve) => setTimeout(resolve, 10)); }")
			require.Equal(t, c.transport, ask[string](p, "chat.connect", url, c.transport, c.ack))
			require.True(t, ask[bool](p, "chat.do", map[string]any{"operation": "requestChat", "nickname": "Ann"}))
			session := ask[string](p, "chat.chatId")
			_, err := world.Chat.Join(t.Context(), session, proxy.Joining{Party: bridge.Party{
				UserID: "alice", Nickname: "Alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent,
			}})
			require.NoError(t, err)
			_, err = world.Chat.Post(t.Context(), session, "alice", bridge.Event{Type: bridge.Message, Text: "hello"})
			require.NoError(t, err)
			require.True(t, ask[bool](p, "chat.do", map[string]any{"operation": "sendMessage", "message": "hi"}))
			got := ask[[]string](p, "chat.until", 4)
			require.ElementsMatch(t, []string{"ParticipantJoined ", "ParticipantJoined ", "Message hello", "Message hi"}, got)
			tell(p, "chat.close")
		})
	}

	t.Run("an origin that is not listed", func(t *testing.T) {
		p := newPage(t)
		p.expect(`(?i)cors|failed to load|net::ERR|handshake|transport`)
		p.open(host.URL) // 127.0.0.1 instead of localhost
		tell(p, "async () => { while (!window.chatReady) await new Promise((resolve) => setTimeout(resolve, 10)); }")
		// It goes on trying until the tab closes.
		require.False(t, ask[bool](p, "(url) => chat.connect(url, 'long-polling', false).then(() => true, () => false)", url))
	})
}
