package migration_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/files"
	"attache/proxy/migration"
	"attache/proxy/objects"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// world has documents in an engine, and an empty directory.
type world struct {
	t     *testing.T
	from  *objects.Store
	dir   string
	bytes map[string][]byte // by id
	ids   []string
}

func newWorld(t *testing.T, documents int) *world {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	w := &world{t: t, dir: t.TempDir(), bytes: map[string][]byte{}}
	w.from, err = objects.Open(t.Context(), e, objects.Options{})
	require.NoError(t, err)
	for i := range documents {
		id := w.stage(300_000 + i)
		_, err := w.from.Add(t.Context(), w.document(id))
		require.NoError(t, err)
	}
	return w
}

func (w *world) stage(size int) string {
	w.t.Helper()
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(b)
	id := w.from.NewID()
	writer, err := w.from.Begin(w.t.Context(), proxy.Document{ID: id}, 0)
	require.NoError(w.t, err)
	durable := make(chan error, 1)
	require.NoError(w.t, writer.Append(w.t.Context(), b, func(_ int64, err error) { durable <- err }))
	require.NoError(w.t, <-durable)
	w.bytes[id] = b
	w.ids = append(w.ids, id)
	return id
}

func (w *world) document(id string) proxy.Document {
	return proxy.Document{ID: id, Name: "a.pdf", Size: int64(len(w.bytes[id])), SHA256: sha256.Sum256(w.bytes[id])}
}

// files opens the directory as a process that has just started.
func (w *world) files() *files.Store {
	w.t.Helper()
	s, err := files.Open(files.Options{Dir: w.dir})
	require.NoError(w.t, err)
	w.t.Cleanup(s.Close)
	return s
}

func move(t *testing.T, from *objects.Store, to migration.Store, free int64) error {
	return migration.Move(t.Context(), migration.Options{From: from, To: to, Free: func(context.Context) (int64, error) { return free, nil }})
}

const plenty = 1 << 40

func (w *world) requireMoved(to proxy.Documents) {
	w.t.Helper()
	for _, id := range w.ids {
		content, err := to.Open(w.t.Context(), id)
		require.NoError(w.t, err)
		b, err := io.ReadAll(content)
		require.NoError(w.t, err)
		require.NoError(w.t, content.Close())
		require.True(w.t, bytes.Equal(w.bytes[id], b))
	}
	days, err := w.from.Days(w.t.Context())
	require.NoError(w.t, err)
	require.Empty(w.t, days)
}

// dying fails, as a process that is killed, after some documents.
type dying struct {
	*files.Store
	left  atomic.Int64
	added atomic.Int64
}

var errKilled = errors.New("killed")

func (d *dying) Add(ctx context.Context, doc proxy.Document) (string, error) {
	if d.left.Add(-1) < 0 {
		return "", errKilled
	}
	d.added.Add(1)
	return d.Store.Add(ctx, doc)
}

func TestMoveResumesAfterAKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	first := &dying{Store: w.files()}
	first.left.Store(4)
	require.ErrorIs(t, move(t, w.from, first, plenty), errKilled)
	days, err := w.from.Days(t.Context())
	require.NoError(t, err)
	require.Len(t, days, 1, "the day stays until all of it is moved")
	first.Close()
	second := &dying{Store: w.files()}
	second.left.Store(10)
	require.NoError(t, move(t, w.from, second, plenty))
	require.EqualValues(t, 10-first.added.Load(), second.added.Load(), "none is copied twice")
	w.requireMoved(second)
}

// A power failure may leave bytes that were never written: what is not a document is copied
// from its beginning.
func TestMoveReplacesWhatIsNotADocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	staged := w.stage(500_000)
	w.ids = w.ids[:1]
	s := w.files()
	for _, id := range []string{w.ids[0], staged} {
		writer, err := s.Begin(t.Context(), proxy.Document{ID: id, Size: -1}, 0)
		require.NoError(t, err)
		durable := make(chan error, 1)
		require.NoError(t, writer.Append(t.Context(), make([]byte, 400_000), func(_ int64, err error) { durable <- err }))
		require.NoError(t, <-durable)
		require.NoError(t, writer.Close())
	}
	s.Close()
	s = w.files()
	require.NoError(t, move(t, w.from, s, plenty))
	w.requireMoved(s)
	content, err := s.Staged(t.Context(), staged)
	require.NoError(t, err)
	defer content.Close()
	b, err := io.ReadAll(content)
	require.NoError(t, err)
	require.True(t, bytes.Equal(w.bytes[staged], b))
	_, err = s.Open(t.Context(), staged)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), "it is not a document yet")
}

func TestMoveNeedsSpaceForADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	s := w.files()
	err := move(t, w.from, s, 100_000)
	require.ErrorContains(t, err, "free some disk space, or start the earlier release")
	names, err := filepath.Glob(filepath.Join(w.dir, "????-??-??"))
	require.NoError(t, err)
	require.Empty(t, names)
	require.NoError(t, move(t, w.from, s, plenty))
	w.requireMoved(s)
}

// What was removed stays removed.
func TestMoveLeavesOutRemovedDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	require.NoError(t, w.from.Remove(t.Context(), w.ids[0]))
	s := w.files()
	require.NoError(t, move(t, w.from, s, plenty))
	_, err := s.Open(t.Context(), w.ids[0])
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
	w.ids = w.ids[1:]
	w.requireMoved(s)
}
