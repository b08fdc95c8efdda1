package files_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// half stores the first half of a content, and closes the store.
func half(t *testing.T, dir string, content []byte) proxy.Document {
	t.Helper()
	s := open(t, dir)
	d := proxy.Document{ID: s.NewID(), Name: "a.pdf", Size: int64(len(content))}
	w, err := s.Begin(t.Context(), d, 0)
	require.NoError(t, err)
	write(t, w, content[:len(content)/2], 1000)
	s.Close()
	return d
}

// A Begin whose caller gives up finds its work further at the next try, or done.
func TestBegin_RebuildOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	dir, content := t.TempDir(), make([]byte, 100_000)
	d := half(t, dir, content)
	s := open(t, dir)
	release := s.HoldRebuilds()
	hurried, cancel := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() {
		_, err := s.Begin(hurried, d, -1)
		outcome <- err
	}()
	cancel()
	require.ErrorIs(t, <-outcome, context.Canceled)
	release()
	w, err := s.Begin(t.Context(), d, -1)
	require.NoError(t, err)
	require.EqualValues(t, 50_000, w.Offset())
	write(t, w, content, 10_000)
}

// Discard does not wait for a hash that nobody needs any more, and leaves nothing.
func TestDiscard_EndsARebuild(t *testing.T) {
	t.Parallel()
	dir, content := t.TempDir(), make([]byte, 100_000)
	d := half(t, dir, content)
	s := open(t, dir)
	release := s.HoldRebuilds()
	defer release()
	outcome := make(chan error, 1)
	go func() {
		_, err := s.Begin(t.Context(), d, -1)
		outcome <- err
	}()
	require.Eventually(t, func() bool { return s.Loading(d.ID) }, time.Minute, time.Millisecond)
	require.NoError(t, s.Discard(t.Context(), d.ID))
	require.Equal(t, bridge.CodeSuperseded, bridge.CodeOf(<-outcome))
	left, err := filepath.Glob(filepath.Join(dir, "documents", "*", "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
