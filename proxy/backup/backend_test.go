package backup_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/backup"
	"attache/proxy/engine"
	"attache/proxy/objects"
	"attache/proxy/proxytest"
)

// A proxy whose documents are a backend's has only staged content. What it accepted is
// delivered to the same backend by the restored one.
func TestProxyWithABackendIsRestored(t *testing.T) {
	t.Parallel()
	b := proxytest.StartBackend(t)
	data, dir := dataDir(t), t.TempDir()
	behind := func(o *assembly.Options) {
		client, err := backend.Dial(t.Context(), backend.ClientOptions{URL: b.Server.URL, Secret: []byte(proxytest.Secret)})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		o.Elsewhere = assembly.OfBackend(client)
	}
	scanner := &stubborn{let: make(chan struct{})}
	w := open(t, data, scanner, behind)
	who, limits := w.join("s1", "ben", bridge.Agent)
	r := seed(t)
	whole, waiting := key(r), key(r)
	w.announce(who, limits, whole, 100_000)
	require.NoError(t, w.send(t.Context(), who, limits, waiting, 70_000)) // the scanner does not finish
	require.Equal(t, 1, create(t, data, dir).Files)
	w.all.Close()

	restored := open(t, restore(t, dir), proxy.NoScanner{}, behind)
	for _, k := range []string{whole, waiting} {
		record, err := restored.all.Proxy.Transfers().Await(t.Context(), who, k)
		require.NoError(t, err)
		require.Equal(t, bridge.Announced, record.State)
		content, err := b.Store.Open(t.Context(), record.DocumentID)
		require.NoError(t, err)
		require.EqualValues(t, record.Size, content.Document().Size)
		content.Close()
	}
}

// The delivery to a backend ends between the copies of the record and of its bytes.
func TestUploadThatABackendTookMeanwhileIsNotMissing(t *testing.T) {
	t.Parallel()
	b := proxytest.StartBackend(t)
	data, dir := dataDir(t), t.TempDir()
	behind := func(o *assembly.Options) {
		client, err := backend.Dial(t.Context(), backend.ClientOptions{URL: b.Server.URL, Secret: []byte(proxytest.Secret)})
		require.NoError(t, err)
		t.Cleanup(client.Close)
		o.Elsewhere = assembly.OfBackend(client)
	}
	scanner := &stubborn{let: make(chan struct{})}
	w := open(t, data, scanner, behind)
	who, limits := w.join("s1", "ben", bridge.Agent)
	k := key(seed(t))
	require.NoError(t, w.send(t.Context(), who, limits, k, 70_000))
	_, err := backup.Create(t.Context(), backup.Options{Data: data, Dir: dir}.OnContent(func() {
		close(scanner.let)
		require.Eventually(t, func() bool {
			found, err := filepath.Glob(filepath.Join(data, "staged", "*", "*.part"))
			return err == nil && len(found) == 0
		}, time.Minute, time.Millisecond)
	}))
	require.NoError(t, err)
	w.all.Close()
	restored := open(t, restore(t, dir), proxy.NoScanner{}, behind)
	record, err := restored.all.Proxy.Transfers().Await(t.Context(), who, k)
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, record.State, "its notice is there")
}

func TestBackupOfAnEarlierReleasesDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	e, err := engine.Start(t.Context(), engine.Options{Dir: data})
	require.NoError(t, err)
	s, err := objects.Open(t.Context(), e, objects.Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	w, err := s.Begin(t.Context(), proxy.Document{ID: s.NewID()}, 0)
	require.NoError(t, err)
	durable := make(chan error, 1)
	require.NoError(t, w.Append(t.Context(), []byte("x"), func(_ int64, err error) { durable <- err }))
	require.NoError(t, <-durable)
	e.Close()
	_, err = backup.Create(t.Context(), backup.Options{Data: data, Dir: t.TempDir()})
	require.ErrorContains(t, err, "start this release on it once, which moves them into files")
}
