package objects_test

import (
	"context"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/objects"
)

// startEngine runs an engine in dir until the test ends.
func startEngine(t testing.TB, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

func open(t testing.TB, e *engine.Engine, o objects.Options) *objects.Store {
	t.Helper()
	s, err := objects.Open(t.Context(), e, o)
	require.NoError(t, err)
	return s
}

// random returns n bytes, the same in every run.
func random(n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	rng.Read(b)
	return b
}

// write appends content in pieces of at most size bytes and waits until all of
// it is stored.
func write(t testing.TB, w proxy.Writer, content []byte, size int) {
	t.Helper()
	if len(content) == 0 {
		return
	}
	done := make(chan error, 1)
	end := w.Offset() + int64(len(content))
	var failed atomic.Bool
	for len(content) > 0 {
		n := min(size, len(content))
		require.NoError(t, w.Append(t.Context(), content[:n], func(stored int64, err error) {
			if err != nil && failed.CompareAndSwap(false, true) || err == nil && stored == end {
				done <- err
			}
		}))
		content = content[n:]
	}
	require.NoError(t, <-done)
	require.Equal(t, end, w.Stored())
}

func document(id string, content []byte) proxy.Document {
	return proxy.Document{
		ID: id, Name: "Übersicht.pdf", MimeType: "application/pdf", Description: "the overview",
		Size: int64(len(content)), SHA256: sha256.Sum256(content),
	}
}

// put stores content as a document and returns its id.
func put(t testing.TB, s *objects.Store, content []byte, size int) string {
	t.Helper()
	id := s.NewID()
	w, err := s.Begin(t.Context(), proxy.Document{ID: id}, -1)
	require.NoError(t, err)
	write(t, w, content, size)
	got, err := s.Add(t.Context(), document(id, content))
	require.NoError(t, err)
	require.Equal(t, id, got)
	return id
}

func read(t testing.TB, s *objects.Store, id string) []byte {
	t.Helper()
	c, err := s.Open(context.Background(), id)
	require.NoError(t, err)
	defer c.Close()
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	return b
}

func readAll(t testing.TB, s *objects.Store, id string) {
	c, err := s.Open(context.Background(), id)
	require.NoError(t, err)
	defer c.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, c, make([]byte, 256<<10))
	require.NoError(t, err)
	require.Equal(t, c.Document().Size, n)
}

func TestWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := startEngine(t, dir)
	s := open(t, e, objects.Options{})
	content := random(100_000)
	begun, part := s.NewID(), s.NewID()
	begin(t, s, begun)
	write(t, begin(t, s, part), content, 30_000)
	check := func(s *objects.Store, id string, want []byte) {
		t.Helper()
		size, sum, whole, err := s.Whole(t.Context(), id)
		require.NoError(t, err)
		require.True(t, whole)
		require.EqualValues(t, len(want), size)
		require.Equal(t, sha256.Sum256(want), sum)
	}
	check(s, begun, nil)
	check(s, part, content)
	check(s, "9999abcdefghijkl", nil) // of a day without a bucket
	e.Close()
	s = open(t, startEngine(t, dir), objects.Options{})
	check(s, begun, nil)
	check(s, part, content)
	_, _, _, err := s.Whole(t.Context(), "no id of this store")
	require.NoError(t, err)
}
