package upstream_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/deliver"
	"attache/proxy/engine"
	"attache/proxy/gms/upstream"
	"attache/proxy/proxytest"
	"attache/wasm/page"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// patience is how long a test waits for what must come.
const patience = time.Minute

// brief is what waits in production.
const brief = 100 * time.Millisecond

// world is a whole proxy behind a GMS.
type world struct {
	*proxytest.World
	t      *testing.T
	client *upstream.Client
}

// relay opens a relay to a GMS on an engine.
func relay(t *testing.T, e *engine.Engine, url string, change ...func(*upstream.Options)) *upstream.Client {
	t.Helper()
	o := upstream.Options{
		URL: url, Service: "support", Poll: brief / 2, Settle: 3 * brief, Lease: 10 * brief, RequestTime: 5 * time.Second,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, c := range change {
		c(&o)
	}
	c, err := upstream.Open(t.Context(), e, o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func newEngine(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

// behind makes a proxy use a relay.
func behind(c *upstream.Client) proxytest.Change {
	return func(o *assembly.Options) {
		o.Elsewhere = assembly.Elsewhere{Chat: c, Documents: c.Documents}
		o.Deliver = deliver.Options{Lease: 20 * brief, Delay: brief / 4, MaxDelay: 2 * brief, Grace: brief, StoreTime: 10 * time.Second}
		o.Proxy.DisconnectTimeout = patience
	}
}

func start(t *testing.T, d *gmsDouble, change ...func(*upstream.Options)) *world {
	t.Helper()
	e := newEngine(t)
	c := relay(t, e, d.URL, change...)
	return &world{World: proxytest.StartOn(t, e, behind(c)), t: t, client: c}
}

func key() string {
	var k [16]byte
	rand.Read(k[:])
	return hex.EncodeToString(k[:])
}

var ann = bridge.Party{UserID: "ann", Nickname: "Ann", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent}

func (w *world) join(t *testing.T) proxy.Joined {
	t.Helper()
	j, err := w.client.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	return j
}

// tab is a customer's page.
type tab struct {
	*page.Page
	t      *testing.T
	events chan bridge.Event
	failed chan string // keys
}

func (w *world) open(t *testing.T) *tab {
	t.Helper()
	token, err := w.Auth.Mint(proxy.Identity{Session: "s1", Party: ann, Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	return openTab(t, w.Server.URL, token)
}

// openTab opens a page at a proxy.
func openTab(t *testing.T, address, token string) *tab {
	t.Helper()
	b := &tab{t: t, events: make(chan bridge.Event, 1000), failed: make(chan string, 100)}
	b.Page = page.Open(page.Options{
		Address: func() string { return address }, Token: token, Origin: proxytest.Origin,
		Saw: func(e bridge.Event) { b.events <- e },
		Heard: func(key string, m *bridge.Upload) {
			if m.State == bridge.Failed {
				b.failed <- key
			}
		},
	})
	t.Cleanup(b.Close)
	return b
}

// await returns the first event that is as wanted.
func (b *tab) await(wanted func(bridge.Event) bool) bridge.Event {
	b.t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-b.events:
			if wanted(e) {
				return e
			}
		case <-late:
			require.FailNow(b.t, "the event did not come")
		}
	}
}

func (b *tab) send(name string, content []byte) bridge.File {
	b.t.Helper()
	u := &page.Upload{Key: key(), Name: name, Content: content}
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	require.NoError(b.t, b.Send(ctx, u))
	require.Empty(b.t, u.Code)
	e := b.await(func(e bridge.Event) bool { return e.Key == u.Key })
	f, err := bridge.DecodeFile(e)
	require.NoError(b.t, err)
	return f
}
