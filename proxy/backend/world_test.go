package backend_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/objects"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret that both ends share, long enough"

// world is a backend in front of the real Chat Server and document store.
type world struct {
	t       *testing.T
	chat    *chat.Server
	store   *objects.Store
	handler *backend.Handler
	server  *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	b := &world{t: t}
	b.chat, err = chat.Open(t.Context(), e, chat.Options{})
	require.NoError(t, err)
	t.Cleanup(b.chat.Close)
	b.store, err = objects.New(t.Context(), e, objects.Options{})
	require.NoError(t, err)
	return b
}

// serve serves the backend, as change makes it.
func (b *world) serve(change func(*backend.HandlerOptions), wrap func(http.Handler) http.Handler) {
	b.t.Helper()
	parts := backend.HandlerOptions{Chat: b.chat, Documents: backend.NewStagedStore(b.store, b.store), Secret: []byte(secret)}
	if change != nil {
		change(&parts)
	}
	var err error
	b.handler, err = backend.NewHandler(parts)
	require.NoError(b.t, err)
	served := http.Handler(b.handler)
	if wrap != nil {
		served = wrap(served)
	}
	b.server = httptest.NewServer(served)
	handler, server := b.handler, b.server
	b.t.Cleanup(func() {
		handler.Close()
		server.CloseClientConnections()
		server.Close()
	})
}

func (b *world) options() backend.ClientOptions {
	return backend.ClientOptions{URL: b.server.URL, Secret: []byte(secret)}
}

func (b *world) dial(o backend.ClientOptions) *backend.Client {
	b.t.Helper()
	c, err := backend.Dial(b.t.Context(), o)
	require.NoError(b.t, err)
	b.t.Cleanup(c.Close)
	return c
}

// conform runs those cases of the contract and returns the ones that do not hold.
func (b *world) conform(only string) map[string]error {
	b.t.Helper()
	found := map[string]error{}
	cases := 0
	err := backend.Conform(b.t.Context(), b.options(), only, func(v backend.CaseResult) {
		cases++
		if v.Err != nil {
			found[v.Case] = v.Err
		}
	})
	require.NoError(b.t, err)
	require.Positive(b.t, cases)
	return found
}

// join lets an agent and a customer in.
func join(ctx context.Context, t *testing.T, c proxy.ChatServer, session string) {
	t.Helper()
	for user, kind := range map[string]bridge.UserType{"ann": bridge.Agent, "carol": bridge.Client} {
		p := bridge.Party{UserID: user, UserType: kind}
		require.NoError(t, p.Check())
		_, err := c.Join(ctx, session, p)
		require.NoError(t, err)
	}
}
