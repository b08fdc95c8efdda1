package proxytest

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/audit"
	"attache/proxy/backend"
	"attache/proxy/engine"
	"attache/proxy/objects"
	"attache/proxy/seats"
	"attache/proxy/token"
)

// Origin is the page origin that may connect to the proxy of a World.
const Origin = "https://desk.example"

// MaxWaitingAddress is how many sockets of one address may wait in a World.
const MaxWaitingAddress = 8

// Version is the release in the metrics of a World.
const Version = "v1.2.3-test"

// patience is how long a World waits for an event that may take a moment.
const patience = time.Minute

// Secret signs the tokens of a World, and is what both ends of a Backend share.
const Secret = "a secret of thirty-two bytes, or more"

var secret = []byte(Secret)

// Change makes one World differ from another.
type Change = func(*assembly.Options)

// World is a whole proxy, as the command assembles it, behind an HTTP server.
type World struct {
	*assembly.Assembly
	Dir       string // the engine's
	Engine    *engine.Engine
	Auth      *token.Authenticator
	Audit     *audit.Log
	AuditFile string
	Server    *httptest.Server
	Log       *Log

	t       testing.TB
	stores  func(name string) (assembly.Store, error)
	options assembly.Options
}

// Start runs a World until the test ends. What waits in production waits briefly here:
// a party leaves 50 ms after its last socket, and a proxy that is gone is missed within
// a second. A page may take long to authenticate.
func Start(t testing.TB, change ...Change) *World {
	t.Helper()
	return StartOn(t, startEngine(t, t.TempDir()), change...)
}

// StartOn is Start on an engine that outlives the World.
func StartOn(t testing.TB, e *engine.Engine, change ...Change) *World {
	t.Helper()
	w := &World{t: t, Dir: e.Dir(), Engine: e, AuditFile: filepath.Join(t.TempDir(), "audit"), Log: &Log{}}
	log := slog.New(slog.NewTextHandler(w.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	w.Audit, err = audit.Open(w.AuditFile, audit.Options{Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { w.Audit.Close() })
	w.Auth, err = token.NewAuthenticator(token.Secret(secret))
	require.NoError(t, err)
	w.stores = sharedStores(t, w.Engine)
	w.options = assembly.Options{
		Stores:  w.stores,
		Scanner: proxy.NoScanner{}, Seats: seats.Options{Beat: 200 * time.Millisecond}, Version: Version, Log: log,
		Proxy: proxy.Config{
			Auth: w.Auth, Audit: w.Audit, Origins: []string{Origin}, TrustedProxies: []string{"127.0.0.1"},
			DisconnectTimeout: 50 * time.Millisecond, HelloTimeout: patience, MaxWaitingAddress: MaxWaitingAddress,
		},
	}
	return w.Another(change...)
}

// Another starts a second proxy on the World's engine. It is configured like the
// first one, and then changed.
func (w *World) Another(change ...Change) *World {
	w.t.Helper()
	another := *w
	for _, c := range change {
		c(&another.options)
	}
	var err error
	another.Assembly, err = assembly.Open(w.t.Context(), w.Engine, another.options)
	require.NoError(w.t, err)
	w.t.Cleanup(another.Assembly.Close)
	another.Server = httptest.NewServer(another.Proxy)
	w.t.Cleanup(func() { another.Proxy.Close(); another.Server.Close() })
	return &another
}

// Crash ends the proxy as a kill would, as far as others can see: no party is removed
// from its session, and no seat is freed.
func (w *World) Crash() {
	w.Seats.Close()
	w.Proxy.Close()
	w.Server.Close()
}

// Set changes the proxy's configuration after all its parts are open, so set may also
// wrap one of them.
func Set(set func(*proxy.Config)) Change {
	return func(o *assembly.Options) {
		before := o.Wrap
		o.Wrap = func(c *proxy.Config) {
			if before != nil {
				before(c)
			}
			set(c)
		}
	}
}

// BehindBackend makes the proxy reach Chat Server and the documents by the backend
// contract; both are on an engine of their own, changed as in Start.
func BehindBackend(t testing.TB, change ...Change) Change {
	t.Helper()
	return behind(t, StartBackend(t, change...))
}

// BesideBackend is BehindBackend with Chat Server and the documents on the World's own engine,
// as in a cluster that both ends share.
func (w *World) BesideBackend() Change {
	w.t.Helper()
	return behind(w.t, startBackendOn(w.t, w.Engine, w.stores))
}

// InObjects makes a second proxy keep content in the engine's JetStream, as in a cluster.
func (w *World) InObjects() Change {
	w.t.Helper()
	store, err := objects.Open(w.t.Context(), w.Engine, objects.Options{})
	require.NoError(w.t, err)
	return func(o *assembly.Options) {
		o.Stores = func(string) (assembly.Store, error) { return store, nil }
	}
}

func behind(t testing.TB, b *Backend) Change {
	t.Helper()
	client, err := backend.Dial(t.Context(), backend.ClientOptions{URL: b.Server.URL, Secret: secret})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return func(o *assembly.Options) { o.Elsewhere = assembly.OfBackend(client) }
}

// Backend serves our own Chat Server and documents over HTTP.
type Backend struct {
	*assembly.Backend
	Server *httptest.Server
}

// StartBackend runs a backend until the test ends.
func StartBackend(t testing.TB, change ...Change) *Backend {
	t.Helper()
	return startBackendOn(t, startEngine(t, t.TempDir()), nil, change...)
}

func startBackendOn(t testing.TB, e *engine.Engine, stores func(string) (assembly.Store, error), change ...Change) *Backend {
	t.Helper()
	o := assembly.Options{Stores: stores}
	for _, c := range change {
		c(&o)
	}
	all, err := assembly.OpenBackend(t.Context(), e, o, backend.HandlerOptions{Secret: secret})
	require.NoError(t, err)
	t.Cleanup(all.Close)
	b := &Backend{all, httptest.NewServer(all.Handler)}
	t.Cleanup(func() {
		all.Handler.Close()
		b.Server.CloseClientConnections()
		b.Server.Close()
	})
	return b
}

// sharedStores opens each store of an engine once, until the test ends.
func sharedStores(t testing.TB, e *engine.Engine) func(name string) (assembly.Store, error) {
	var mu sync.Mutex
	open := map[string]assembly.Store{}
	return func(name string) (assembly.Store, error) {
		mu.Lock()
		defer mu.Unlock()
		if s := open[name]; s != nil {
			return s, nil
		}
		s, closeStore, err := assembly.OpenStore(t.Context(), e, name, nil)
		if err == nil {
			t.Cleanup(closeStore)
			open[name] = s
		}
		return s, err
	}
}

func startEngine(t testing.TB, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(context.WithoutCancel(t.Context()), engine.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

// Token signs a token that is good for an hour.
func (w *World) Token(session, user string, kind bridge.UserType, rights ...bridge.Right) string {
	w.t.Helper()
	return w.Sign(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent}, Rights: rights, Expires: time.Now().Add(time.Hour),
	})
}

// Sign signs a token for that identity.
func (w *World) Sign(who proxy.Identity) string {
	w.t.Helper()
	s, err := w.Auth.Mint(who)
	require.NoError(w.t, err)
	return s
}
