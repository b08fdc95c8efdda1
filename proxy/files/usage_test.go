package files_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/files"
)

// stored is how many bytes the files below a directory have.
func stored(t *testing.T, dir string) (total int64) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	require.NoError(t, err)
	for _, path := range all {
		info, err := os.Stat(path)
		require.NoError(t, err)
		total += info.Size()
	}
	return total
}

func TestBytes_FollowsEveryChange(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "documents")
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	open := func() *files.Store {
		t.Helper()
		s, err := files.Open(files.Options{Dir: dir, Now: func() time.Time { return now }})
		require.NoError(t, err)
		t.Cleanup(s.Close)
		return s
	}
	content := make([]byte, 100_000)
	upload := func(s *files.Store, add bool) proxy.Document {
		t.Helper()
		d := proxy.Document{ID: s.NewID(), Name: "a.pdf", Size: int64(len(content)), SHA256: sha256.Sum256(content)}
		w, err := s.Begin(t.Context(), d, 0)
		require.NoError(t, err)
		write(t, w, content, 30_000)
		require.NoError(t, w.Close())
		if add {
			_, err = s.Add(t.Context(), d)
			require.NoError(t, err)
			require.NoError(t, s.Settle(t.Context(), d.ID))
		}
		return d
	}
	s := open()
	upload(s, true)
	upload(s, false)
	s.Close()

	s = open()
	counted := func(when string) {
		t.Helper()
		require.Eventually(t, func() bool { return s.Bytes() == stored(t, dir) }, patience, time.Millisecond, "%s: %d, not %d", when, s.Bytes(), stored(t, dir))
	}
	counted("what an earlier process has left")
	require.Greater(t, s.Bytes(), int64(200_000))
	document, staged := upload(s, true), upload(s, false)
	counted("uploads")
	require.Greater(t, s.Bytes(), int64(400_000))
	require.NoError(t, s.Remove(t.Context(), document.ID))
	counted("a removed document")
	require.NoError(t, s.Discard(t.Context(), staged.ID))
	counted("discarded content")
	now = now.AddDate(0, 0, 1)
	upload(s, true)
	counted("a new day")
	now = now.AddDate(0, 0, 40)
	upload(s, true)
	_, err := s.Sweep(t.Context(), 30, nil)
	require.NoError(t, err)
	counted("swept days")
	require.Less(t, s.Bytes(), int64(200_000))
	require.Positive(t, s.Bytes())
}
