package gws_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/files"
	"attache/proxy/gws"
	"attache/proxy/gws/gwstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the store of all files of a proxy, with GWS for the agents'.
type world struct {
	t      *testing.T
	gws    *gwstest.Server
	server *httptest.Server
	engine *engine.Engine
	own    *files.Store
	log    *lines
	*gws.Documents
	all proxy.Documents
}

func start(t *testing.T, settings ...string) *world { return startWith(t, nil, settings...) }

func startWith(t *testing.T, change func(*world, *gws.Options), settings ...string) *world {
	t.Helper()
	w := &world{t: t, gws: gwstest.New(), log: &lines{}}
	w.server = httptest.NewUnstartedServer(w.gws)
	w.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	w.server.Start()
	t.Cleanup(w.server.Close)
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	w.engine = e
	w.own, err = files.Open(files.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { w.own.Close() })
	w.open(change, settings...)
	return w
}

// open opens the store, as another proxy on the same engine does.
func (w *world) open(change func(*world, *gws.Options), settings ...string) {
	w.t.Helper()
	o := gws.Options{
		URL: w.server.URL, Account: gws.Account{User: gwstest.User, Secret: gwstest.Secret},
		Timeout: 20 * time.Second, RetryFor: 20 * time.Second, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, s := range settings {
		require.NoError(w.t, o.Named.Set(s))
	}
	if change != nil {
		change(w, &o)
	}
	c, err := gws.New(o)
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	w.Documents, err = gws.Open(w.t.Context(), w.engine, c, time.Hour)
	require.NoError(w.t, err)
	w.all = w.Documents.From(w.own, w.own)
}

// stage stages an agent's file.
func (w *world) stage(name string, content []byte) proxy.Document {
	w.t.Helper()
	d := proxy.Document{
		ID: w.own.NewID(), Name: name, Size: int64(len(content)), MimeType: "application/pdf", Created: time.Now(),
		Session: "s1", UserID: "ann", UserType: bridge.Agent,
	}
	d, err := proxy.Stage(w.t.Context(), w.own, d, bytes.NewReader(content))
	require.NoError(w.t, err)
	return d
}

// add adds a document, as often as the delivery loop would.
func (w *world) add(d proxy.Document) string {
	w.t.Helper()
	for range 10 {
		id, err := w.all.Add(w.t.Context(), d)
		if err == nil {
			return id
		}
		require.True(w.t, bridge.AsError(err).Retry, "%v", err)
	}
	require.FailNow(w.t, "the document was not added")
	return ""
}

func (w *world) read(id string) []byte {
	w.t.Helper()
	content, err := w.all.Open(w.t.Context(), id)
	require.NoError(w.t, err)
	defer content.Close()
	all, err := io.ReadAll(content)
	require.NoError(w.t, err)
	require.EqualValues(w.t, len(all), content.Document().Size)
	if content.Document().HasDigest() {
		require.Equal(w.t, sha256.Sum256(all), content.Document().SHA256)
	}
	return all
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
