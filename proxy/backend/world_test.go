package backend_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

const secret = proxytest.Secret

// patience is how long a test waits for an event that must come.
const patience = time.Minute

// world is a backend in front of the real Chat Server and document store.
type world struct {
	*proxytest.Backend
	t      *testing.T
	server *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{Backend: proxytest.StartBackend(t, func(o *assembly.Options) { o.Chat.Idle.Enabled = true }), t: t}
}

// serve serves the backend, as change makes it.
func (b *world) serve(change func(*backend.HandlerOptions), wrap func(http.Handler) http.Handler) {
	b.t.Helper()
	o := b.Options
	if change != nil {
		change(&o)
	}
	handler, err := backend.NewHandler(o)
	require.NoError(b.t, err)
	served := http.Handler(handler)
	if wrap != nil {
		served = wrap(served)
	}
	server := httptest.NewServer(served)
	b.server = server
	b.t.Cleanup(func() {
		handler.Close()
		server.CloseClientConnections()
		server.Close()
	})
}

// of returns the same backend for a subtest that runs beside others.
func (b *world) of(t *testing.T) *world { return &world{Backend: b.Backend, t: t} }

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
		p := bridge.Party{UserID: user, UserType: kind, ClientVersion: bridge.VersionCurrent}
		require.NoError(t, p.Check())
		_, err := c.Join(ctx, session, proxy.Joining{Party: p})
		require.NoError(t, err)
	}
}
