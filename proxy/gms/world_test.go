package gms_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// world is a whole proxy that serves the Chat API.
type world struct {
	*proxytest.World
	t      *testing.T
	server *httptest.Server
}

func start(t *testing.T, change ...proxytest.Change) *world {
	t.Helper()
	return startWith(t, gms.Options{}, append([]proxytest.Change{lasting(time.Hour)}, change...)...)
}

// startWith is start with options of the interface.
func startWith(t *testing.T, o gms.Options, change ...proxytest.Change) *world {
	t.Helper()
	return serve(t, proxytest.Start(t, change...), o)
}

// serve serves the Chat API of a proxy.
func serve(t *testing.T, p *proxytest.World, o gms.Options) *world {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(p.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := gms.NewServer(p.Proxy, o)
	require.NoError(t, err)
	w := &world{World: p, t: t, server: httptest.NewServer(s)}
	t.Cleanup(w.server.Close)
	return w
}

// lasting lets a customer be away for that long.
func lasting(away time.Duration) proxytest.Change {
	return func(o *assembly.Options) { o.Proxy.FlexDisconnectTimeout = away }
}

// raw makes a request as it is written, and returns the answer and its body.
func (w *world) raw(method, path string, header http.Header, body string) (*http.Response, gms.Reply) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	require.NoError(w.t, err)
	for key, values := range header {
		r.Header[key] = values
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	var reply gms.Reply
	if len(text) > 0 {
		require.NoError(w.t, json.Unmarshal(text, &reply), "%s", text)
	}
	return answer, reply
}

// customer is a client of the Chat API, which remembers what a widget remembers.
type customer struct {
	*world
	last gms.Reply
}

// post makes a request and returns its answer.
func (w *world) post(path string, form url.Values) (gms.Reply, int) {
	w.t.Helper()
	answer, err := http.PostForm(w.server.URL+path, form)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	var r gms.Reply
	require.NoError(w.t, json.Unmarshal(body, &r), "%s", body)
	return r, answer.StatusCode
}

// request begins a chat.
func (w *world) request(form url.Values) *customer {
	w.t.Helper()
	r, status := w.post("/genesys/2/chat/support", form)
	require.Equal(w.t, http.StatusOK, status)
	require.Equal(w.t, gms.StatusOK, r.StatusCode, r.Errors)
	return &customer{w, r}
}

// do makes a request of the customer's chat, and expects success.
func (c *customer) do(operation string, form url.Values) gms.Reply {
	c.t.Helper()
	r, status := c.try(operation, form)
	require.Equal(c.t, http.StatusOK, status, r.Errors)
	require.Equal(c.t, gms.StatusOK, r.StatusCode, r.Errors)
	c.last.NextPosition = r.NextPosition
	return r
}

func (c *customer) try(operation string, form url.Values) (gms.Reply, int) {
	c.t.Helper()
	all := url.Values{"userId": {c.last.UserID}, "secureKey": {c.last.SecureKey}, "alias": {c.last.Alias}}
	for key, values := range form {
		all[key] = values
	}
	return c.post("/genesys/2/chat/support/"+c.last.ChatID+"/"+operation, all)
}

// agent joins the customer's session, and returns the party's user id.
func (c *customer) agent() string {
	c.t.Helper()
	who := bridge.Party{UserID: "alice", Nickname: "Alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}
	_, err := c.Chat.Join(c.t.Context(), c.last.ChatID, proxy.Joining{Party: who})
	require.NoError(c.t, err)
	return who.UserID
}
