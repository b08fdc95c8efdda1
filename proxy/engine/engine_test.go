package engine_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/proxy/engine"
	"attache/proxy/proxytest"
)

// holdDir makes this test binary a process that opens the directory it names,
// prints that, and waits to be killed.
const holdDir = "ATTACHE_TEST_HOLD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdDir); dir != "" {
		hold(dir)
	}
	proxytest.Main(m)
}

func start(t testing.TB, o engine.Options) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

func stream(e *engine.Engine) jetstream.StreamConfig {
	return jetstream.StreamConfig{Name: "notes", Subjects: []string{"notes.>"}, Replicas: e.Replicas()}
}

func TestStoredMessagesSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, engine.Options{Dir: dir})
	_, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	_, err = e.JetStream().Publish(t.Context(), "notes.a", []byte("kept"))
	require.NoError(t, err)
	e.Close()
	require.ErrorIs(t, e.Conn().Publish("notes.a", nil), nats.ErrConnectionClosed)
	require.Error(t, e.Context().Err())

	e = start(t, engine.Options{Dir: dir})
	s, err := e.JetStream().Stream(t.Context(), "notes")
	require.NoError(t, err)
	m, err := s.GetLastMsgForSubject(t.Context(), "notes.a")
	require.NoError(t, err)
	require.Equal(t, "kept", string(m.Data))
}

func TestEmbeddedOpensNoPort(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Options{Dir: t.TempDir()})
	require.Equal(t, "pipe", e.Conn().ConnectedAddr())
	require.Equal(t, 1, e.Replicas())
	require.Equal(t, 960<<10, e.MaxChunk())
}

func TestStartNeedsADirectoryOrURL(t *testing.T) {
	t.Parallel()
	_, err := engine.Start(t.Context(), engine.Options{})
	require.EqualError(t, err, "the engine needs a data directory or the URL of a cluster")
}

func TestStartReportsAnUnusableDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600))
	_, err := engine.Start(t.Context(), engine.Options{Dir: dir})
	require.ErrorContains(t, err, "start the engine in "+dir)
	require.NotContains(t, err.Error(), "did not become ready", "the reason is reported")

	require.NoError(t, os.Remove(filepath.Join(dir, "jetstream")))
	start(t, engine.Options{Dir: dir})
}

func TestDirectoryIsLockedForOneEngine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, engine.Options{Dir: dir})
	_, err := engine.Start(t.Context(), engine.Options{Dir: dir})
	require.ErrorContains(t, err, dir+" is in use by another process")
	require.NoError(t, first.Ready(t.Context()))
	first.Close()
	start(t, engine.Options{Dir: dir})
}

func TestKilledProcessLeavesNoLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), holdDir+"="+dir)
	out, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	_, err = out.Read(make([]byte, 1))
	require.NoError(t, err)

	_, err = engine.Start(t.Context(), engine.Options{Dir: dir})
	require.ErrorContains(t, err, "in use by another process")
	require.NoError(t, other.Process.Kill())
	require.Error(t, other.Wait())
	require.FileExists(t, filepath.Join(dir, "lock"))
	start(t, engine.Options{Dir: dir})
}

func TestSecretIsOneForAllCallers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, engine.Options{Dir: dir})

	const callers = 8
	var all sync.WaitGroup
	keys := make([][]byte, callers)
	errs := make([]error, callers)
	for i := range callers {
		all.Go(func() { keys[i], errs[i] = e.Secret(t.Context(), "tickets") })
	}
	all.Wait()
	for i := range callers {
		require.NoError(t, errs[i])
		require.Equal(t, keys[0], keys[i], "concurrent callers get one secret")
	}
	require.Len(t, keys[0], 32)
	require.NotEqual(t, make([]byte, 32), keys[0])
	other, err := e.Secret(t.Context(), "tokens")
	require.NoError(t, err)
	require.NotEqual(t, keys[0], other)

	e.Close()
	e = start(t, engine.Options{Dir: dir})
	again, err := e.Secret(t.Context(), "tickets")
	require.NoError(t, err)
	require.Equal(t, keys[0], again, "a restart does not change it")
}

func TestAdmitUpload(t *testing.T) {
	t.Parallel()
	t.Run("enough space", func(t *testing.T) {
		e := start(t, engine.Options{Dir: t.TempDir(), Reserve: 1 << 20})
		require.NoError(t, e.AdmitUpload())
	})
	t.Run("a volume smaller than the reserve", func(t *testing.T) {
		_, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir(), Reserve: 1 << 60})
		require.ErrorContains(t, err, "not more than the reserve")
	})
}

func TestServerMessagesGoToTheLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := start(t, engine.Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	e.Close()
	require.Contains(t, out.String(), "level=DEBUG")
	require.NotContains(t, out.String(), "level=ERROR")
	require.NotContains(t, out.String(), "level=WARN")
}

func TestReadyFailsOnceClosed(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Options{Dir: t.TempDir()})
	require.NoError(t, e.Ready(t.Context()))
	e.Close()
	require.Error(t, e.Ready(t.Context()))
	e.Close()
}
