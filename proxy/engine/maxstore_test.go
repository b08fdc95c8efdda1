package engine_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/engine"
)

func requireFull(t *testing.T, err error, why ...any) {
	t.Helper()
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(err), why...)
}

// attach adds content of bytes that the test sets.
func attach(t *testing.T, e *engine.Engine, reopen func(*os.Root) error) (bytes *atomic.Int64) {
	t.Helper()
	dir := filepath.Join(e.Dir(), "documents")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	bytes = &atomic.Int64{}
	if reopen == nil {
		reopen = func(*os.Root) error { return nil }
	}
	detach, err := e.Attach(engine.Content{Dir: dir, Bytes: bytes.Load, Reopen: reopen})
	require.NoError(t, err)
	t.Cleanup(detach)
	return bytes
}

func TestMaxStore_CountsMessagesAndContentTogether(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Options{Dir: t.TempDir(), MaxStore: 16 << 20, Reserve: 2 << 20})
	bytes := attach(t, e, nil)
	_, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	for range 4 {
		publish(t, e, "notes.a", make([]byte, 512<<10))
	}
	bytes.Store(9 << 20)
	require.NoError(t, e.AdmitUpload())
	free, low, err := e.FreeSpace(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 4<<20, low)
	require.InDelta(t, 5<<20, free, 1<<10)

	bytes.Store(11 << 20)
	requireFull(t, e.AdmitUpload())
	require.NoError(t, e.AdmitWrite(), "uploads that have begun continue")
	bytes.Store(25 << 19)
	requireFull(t, e.AdmitWrite())
	require.NoError(t, e.AdmitText(), "the chat has its reserve")
	bytes.Store(20 << 20)
	requireFull(t, e.AdmitText())
	publish(t, e, "notes.a", []byte("chat"))
	require.NoError(t, e.Ready(t.Context()))

	bytes.Store(0)
	require.NoError(t, e.AdmitUpload(), "space that is freed is noticed")
	require.NoError(t, e.AdmitText())
}

// An operator lowers the limit below what is stored: nothing is lost, and agents still write.
func TestMaxStore_BelowWhatIsStored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, engine.Options{Dir: dir})
	_, err := e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	for range 3 {
		publish(t, e, "notes.a", make([]byte, 900<<10))
	}
	e.Close()

	e = start(t, engine.Options{Dir: dir, MaxStore: 1 << 20})
	requireFull(t, e.AdmitUpload())
	requireFull(t, e.AdmitText())
	s, err := e.JetStream().Stream(t.Context(), "notes")
	require.NoError(t, err)
	m, err := s.GetLastMsgForSubject(t.Context(), "notes.a")
	require.NoError(t, err)
	require.Len(t, m.Data, 900<<10)
	publish(t, e, "notes.a", []byte("chat"))
}
