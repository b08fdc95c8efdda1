package storetest

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// random returns n bytes, the same in every run.
func random(n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	rng.Read(b)
	return b
}

// document describes content, with every attribute.
func document(id string, content []byte) proxy.Document {
	return proxy.Document{
		ID: id, Name: "Übersicht.pdf", MimeType: "application/pdf", Description: "the overview",
		Size: int64(len(content)), SHA256: sha256.Sum256(content),
		Created: time.Date(2026, 11, 20, 10, 11, 12, 13, time.UTC),
	}
}

// offer is the document as far as an offer knows it.
func offer(id string, content []byte) proxy.Document {
	d := document(id, content)
	d.SHA256 = [32]byte{}
	return d
}

// begin begins what will be content.
func begin(t *T, s Store, id string, content []byte, acked int64) proxy.Writer {
	t.Helper()
	w, err := s.Begin(t.ctx, offer(id, content), acked)
	require.NoError(t, err)
	return w
}

// fresh begins what will be content, under a new id.
func fresh(t *T, s Store, content []byte) (id string, w proxy.Writer) {
	t.Helper()
	id = s.NewID()
	return id, begin(t, s, id, content, 0)
}

// flight is the outcome of pieces under way.
type flight struct {
	t       *T
	results chan result
	pieces  int
}

// result is what onDurable was called with.
type result struct {
	n   int64
	err error
}

func newFlight(t *T) *flight { return &flight{t: t, results: make(chan result, 4096)} }

// landed is the onDurable of a piece.
func (f *flight) landed(n int64, err error) { f.results <- result{n, err} }

// block appends a piece whose onDurable returns only after release, and returns when it is called.
func (f *flight) block(w proxy.Writer, p []byte) (release func()) {
	f.t.Helper()
	called, released := make(chan struct{}), make(chan struct{})
	require.NoError(f.t, w.Append(f.t.ctx, p, func(n int64, err error) {
		close(called)
		<-released
		f.landed(n, err)
	}))
	f.pieces++
	select {
	case <-called:
	case <-f.t.ctx.Done():
		require.Fail(f.t, "onDurable was not called")
	}
	return sync.OnceFunc(func() { close(released) })
}

// append appends a piece; it returns the error that Append returned.
func (f *flight) append(w proxy.Writer, p []byte) error {
	err := w.Append(f.t.ctx, p, f.landed)
	if err == nil {
		f.pieces++
	}
	return err
}

// land waits until all pieces are durable or have failed.
func (f *flight) land() (all []result) {
	f.t.Helper()
	for ; f.pieces > 0; f.pieces-- {
		select {
		case r := <-f.results:
			all = append(all, r)
		case <-f.t.ctx.Done():
			require.Fail(f.t, "onDurable was not called for every piece")
		}
	}
	return all
}

// write appends content in pieces of at most size bytes, and waits until all of it is durable.
func write(t *T, w proxy.Writer, content []byte, size int) {
	t.Helper()
	end := w.Offset() + int64(len(content))
	f := newFlight(t)
	for len(content) > 0 {
		n := min(size, len(content))
		require.NoError(t, f.append(w, content[:n]))
		content = content[n:]
	}
	for _, r := range f.land() {
		require.NoError(t, r.err)
	}
	require.Equal(t, end, w.Stored())
}

// refused appends a piece and returns its error, immediate or later.
func refused(t *T, w proxy.Writer, piece []byte) error {
	t.Helper()
	f := newFlight(t)
	if err := f.append(w, piece); err != nil {
		return err
	}
	return f.land()[0].err
}

// stage writes content under a new id.
func stage(t *T, s Store, content []byte, size int) string {
	t.Helper()
	return stagePart(t, s, content, len(content), size)
}

// stagePart writes the first n bytes of content under a new id.
func stagePart(t *T, s Store, content []byte, n, size int) string {
	t.Helper()
	id, w := fresh(t, s, content)
	write(t, w, content[:n], size)
	require.NoError(t, w.Close())
	return id
}

// add makes a document of staged content.
func add(t *T, s Store, id string, content []byte) {
	t.Helper()
	got, err := s.Add(t.ctx, document(id, content))
	require.NoError(t, err)
	require.Equal(t, id, got)
}

// put stores content as a document and returns its id.
func put(t *T, s Store, content []byte, size int) string {
	t.Helper()
	id := stage(t, s, content, size)
	add(t, s, id, content)
	return id
}

// read reads a document.
func read(t *T, s Store, id string) []byte {
	t.Helper()
	c, err := s.Open(t.ctx, id)
	require.NoError(t, err)
	defer c.Close()
	return drain(t, c)
}

// staged reads the staged content.
func staged(t *T, s Store, id string) []byte {
	t.Helper()
	c, err := s.Staged(t.ctx, id)
	require.NoError(t, err)
	defer c.Close()
	return drain(t, c)
}

// nothingStaged fails if there are staged bytes. Whether an id without any is known is the
// store's affair.
func nothingStaged(t *T, s Store, id string) {
	t.Helper()
	c, err := s.Staged(t.ctx, id)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return
	}
	require.NoError(t, err)
	defer c.Close()
	require.Empty(t, drain(t, c))
}

func drain(t *T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

// same compares bytes without printing them.
func same(t *T, want, got []byte, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	require.Equal(t, sha256.Sum256(want), sha256.Sum256(got), what)
}

// mustRefuse fails unless the error has the code.
func mustRefuse(t *T, code bridge.Code, err error, what ...any) {
	t.Helper()
	require.Error(t, err, what...)
	require.Equal(t, code, bridge.CodeOf(err), "%v (%v)", err, what)
}

// unknown fails unless there is no such document.
func unknown(t *T, s Store, id string) {
	t.Helper()
	c, err := s.Open(t.ctx, id)
	if err == nil {
		c.Close()
	}
	mustRefuse(t, bridge.CodeDocument, err, "a document should be unknown")
}

// wholeAt fails unless w continues the content after n bytes.
func wholeAt(t *T, w proxy.Writer, content []byte, n int64) {
	t.Helper()
	require.Equal(t, n, w.Offset(), "the offset")
	require.Equal(t, n, w.Stored(), "the durable bytes")
	require.Equal(t, sha256.Sum256(content[:n]), w.Sum(), "the digest of the first %d bytes", n)
}
