package upstream_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

// served is another Attaché that plays GMS, with the way to it.
type served struct {
	*proxytest.World
	way *httptest.Server

	mu sync.Mutex
	id string // of the newest chat
}

// serve starts an Attaché that serves GMS' Chat API. What passes the way there shows the chat's
// id, by which an agent joins.
func serve(t *testing.T, change ...proxytest.Change) *served {
	t.Helper()
	p := proxytest.Start(t, append([]proxytest.Change{proxytest.Set(func(c *proxy.Config) { c.FlexDisconnectTimeout = patience })}, change...)...)
	h, err := gms.NewServer(p.Proxy, gms.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	to, err := url.Parse(server.URL)
	require.NoError(t, err)
	s := &served{World: p}
	way := httputil.NewSingleHostReverseProxy(to)
	way.ModifyResponse = s.look
	s.way = httptest.NewServer(way)
	t.Cleanup(func() { s.way.CloseClientConnections(); s.way.Close() })
	return s
}

func (s *served) look(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var reply gms.Reply
	if json.Unmarshal(body, &reply) == nil && reply.ChatID != "" {
		s.mu.Lock()
		s.id = reply.ChatID
		s.mu.Unlock()
	}
	return err
}

// chatID waits for the chat's id.
func (s *served) chatID(t *testing.T) (id string) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		id = s.id
		return id != ""
	}, patience, brief/10)
	return id
}

// agent opens a page of an agent, on our socket, in the customer's chat.
func (s *served) agent(t *testing.T) *tab {
	t.Helper()
	who := bridge.Party{UserID: "alice", Nickname: "Alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}
	token, err := s.Auth.Mint(proxy.Identity{Session: s.chatID(t), Party: who, Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	return openTab(t, s.Server.URL, token)
}

// Two of ours in a row: a customer's page, a proxy that relays, a proxy that plays GMS, an
// agent's page.
func TestChatThroughTwoOfOurs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	e := newEngine(t)
	c := relay(t, e, s.way.URL)
	w := &world{World: proxytest.StartOn(t, e, behind(c)), t: t, client: c}
	b := w.open(t)
	a := s.agent(t)
	a.await(func(e bridge.Event) bool {
		return e.Type == bridge.NewParty && e.From.UserType == bridge.Client && e.From.Nickname == "Ann"
	})
	b.await(func(e bridge.Event) bool { return e.Type == bridge.NewParty && e.From.Nickname == "Alice" })
	_, err := c.Post(t.Context(), "s1", "ann", say("hello, Alice"))
	require.NoError(t, err)
	a.await(func(e bridge.Event) bool { return e.Text == "hello, Alice" })
	_, err = s.Chat.Post(t.Context(), s.chatID(t), "alice", say("hello, Ann"))
	require.NoError(t, err)
	require.Equal(t, bridge.Agent, b.await(func(e bridge.Event) bool { return e.Text == "hello, Ann" }).From.UserType)
	_, err = s.Chat.Post(t.Context(), s.chatID(t), "alice", bridge.Event{Type: bridge.Notice, NoticeType: bridge.TypingStarted, Text: "I", Visibility: bridge.All})
	require.NoError(t, err)
	b.await(func(e bridge.Event) bool { return e.NoticeType == bridge.TypingStarted && e.Text == "I" })
	require.NoError(t, c.Leave(t.Context(), "s1", "ann", proxy.Departure{}))
	a.await(func(e bridge.Event) bool { return e.Type == bridge.PartyLeft && e.From.UserType == bridge.Client })
}
