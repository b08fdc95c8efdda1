package files_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/files"
)

func open(t testing.TB, dir string) *files.Store {
	t.Helper()
	s, err := files.Open(files.Options{Dir: filepath.Join(dir, "documents")})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func write(t testing.TB, w proxy.Writer, content []byte, size int) {
	t.Helper()
	outcome := make(chan error, 1)
	from := w.Offset()
	for at := from; at < int64(len(content)); at = w.Offset() {
		end := min(at+int64(size), int64(len(content)))
		piece := bytes.Clone(content[at:end])
		require.NoError(t, w.Append(t.Context(), piece, func(n int64, err error) {
			if err != nil || n == int64(len(content)) {
				outcome <- err
			}
		}))
		clear(piece)
	}
	if from < int64(len(content)) {
		require.NoError(t, <-outcome)
	}
}

func TestStore_DocumentIsWhatWasWritten(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	content := make([]byte, 3<<20+17)
	rand.Read(content)
	d := proxy.Document{ID: s.NewID(), Name: "a.pdf", MimeType: "application/pdf", Size: int64(len(content)), SHA256: sha256.Sum256(content)}
	w, err := s.Begin(t.Context(), d, 0)
	require.NoError(t, err)
	write(t, w, content, 300_000)
	require.Equal(t, d.SHA256, w.Sum())
	_, err = s.Open(t.Context(), d.ID)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
	_, err = s.Add(t.Context(), d)
	require.NoError(t, err)
	require.NoError(t, s.Settle(t.Context(), d.ID))
	c, err := s.Open(context.Background(), d.ID)
	require.NoError(t, err)
	defer c.Close()
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, content, got)
}

// After a restart bytes may not have been synced. Once a page says that it was acked all of
// them, an older offer that comes late must not cut them off.
func TestStore_BytesThatWereAckedAfterARestartStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	content := make([]byte, 1000)
	rand.Read(content)
	d := proxy.Document{ID: s.NewID(), Name: "a.pdf", Size: 2000}
	w, err := s.Begin(t.Context(), d, 0)
	require.NoError(t, err)
	write(t, w, content, 300)
	s.Close()
	s = open(t, dir)
	for _, acked := range []int64{-1, 1000, 100, -1, 0} {
		w, err := s.Begin(t.Context(), d, acked)
		require.NoError(t, err)
		require.EqualValues(t, 1000, w.Offset(), "acked %d", acked)
	}
}
