package objects_test

import (
	"context"
	"crypto/sha256"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/objects"
)

func begin(t testing.TB, s *objects.Store, id string) proxy.Writer {
	t.Helper()
	w, err := s.Begin(t.Context(), id)
	require.NoError(t, err)
	return w
}

// refused appends a piece and returns its error, immediate or later.
func refused(t testing.TB, w proxy.Writer, piece []byte) error {
	t.Helper()
	later := make(chan error, 1)
	if err := w.Append(t.Context(), piece, func(_ int64, err error) { later <- err }); err != nil {
		return err
	}
	return <-later
}

func TestUploadResumesAfterTheLastStoredByte(t *testing.T) {
	t.Parallel()
	content := random(300_000)
	for name, other := range map[string]func(t *testing.T, dir string, e *engine.Engine, s *objects.Store) *objects.Store{
		"in the same store": func(_ *testing.T, _ string, _ *engine.Engine, s *objects.Store) *objects.Store { return s },
		"in another proxy": func(t *testing.T, _ string, e *engine.Engine, _ *objects.Store) *objects.Store {
			return open(t, e, objects.Options{})
		},
		"after a restart": func(t *testing.T, dir string, e *engine.Engine, _ *objects.Store) *objects.Store {
			e.Close()
			return open(t, startEngine(t, dir), objects.Options{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := startEngine(t, dir)
			s := open(t, e, objects.Options{})
			id := s.NewID()
			w := begin(t, s, id)
			write(t, w, content[:100_000], 30_000)

			s = other(t, dir, e, s)
			w = begin(t, s, id)
			require.EqualValues(t, 100_000, w.Offset())
			require.EqualValues(t, 100_000, w.Stored())
			require.Equal(t, sha256.Sum256(content[:100_000]), w.Sum())
			write(t, w, content[100_000:200_000], 70_000)

			w = begin(t, s, id)
			require.EqualValues(t, 200_000, w.Offset())
			write(t, w, content[200_000:], 100_000)
			require.Equal(t, sha256.Sum256(content), w.Sum())
			_, err := s.Add(t.Context(), document(id, content))
			require.NoError(t, err)
			require.Equal(t, content, read(t, s, id))
		})
	}
}

func TestSupersededWriterStoresNothingMore(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	content := random(5000)
	for name, times := range map[string]int{"the first writer": 1, "a later writer": 3} {
		t.Run(name, func(t *testing.T) {
			s := open(t, e, objects.Options{})
			id := s.NewID()
			var old proxy.Writer
			for range times {
				old = begin(t, s, id)
			}
			write(t, old, content[:1000], 1000)
			fresh := begin(t, open(t, e, objects.Options{}), id)

			err := refused(t, old, content[1000:2000])
			require.Equal(t, bridge.CodeSuperseded, bridge.CodeOf(err), "%v", err)
			require.EqualValues(t, 1000, old.Stored())
			require.Equal(t, err, refused(t, old, content[1000:2000]), "it stays dead")

			require.EqualValues(t, 1000, fresh.Offset())
			write(t, fresh, content[1000:], 1000)
			_, err = s.Add(t.Context(), document(id, content))
			require.NoError(t, err)
			require.Equal(t, content, read(t, s, id))
		})
	}
}

// Several proxies keep taking one upload from each other; its content must be complete
// whichever wins.
func TestCompetingWritersLeaveWholeContent(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	content := random(400_000)
	first := open(t, e, objects.Options{})
	id := first.NewID()
	var all sync.WaitGroup
	for _, s := range []*objects.Store{first, open(t, e, objects.Options{}), open(t, e, objects.Options{})} {
		all.Go(func() {
			for range 200 {
				w, err := s.Begin(t.Context(), id)
				if bridge.CodeOf(err) == bridge.CodeSuperseded {
					continue
				}
				if err != nil {
					t.Errorf("begin: %v", err)
					return
				}
				var under sync.WaitGroup
				for w.Offset() < int64(len(content)) && err == nil {
					under.Add(1)
					piece := content[w.Offset():min(int64(len(content)), w.Offset()+10_000)]
					if err = w.Append(t.Context(), piece, func(int64, error) { under.Done() }); err != nil {
						under.Done()
					}
				}
				under.Wait()
				if w.Stored() == int64(len(content)) {
					return
				}
			}
			t.Error("never won")
		})
	}
	all.Wait()
	_, err := first.Add(t.Context(), document(id, content))
	require.NoError(t, err)
	require.Equal(t, content, read(t, first, id))
}

func TestAppendRefusesEmptyAndOversizedPieces(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	w := begin(t, s, s.NewID())
	require.Equal(t, 960<<10, w.MaxChunk())
	require.Error(t, w.Append(t.Context(), nil, nil))
	require.Error(t, w.Append(t.Context(), make([]byte, w.MaxChunk()+1), nil))
	write(t, w, random(w.MaxChunk()), w.MaxChunk())
}

func TestAppendDoesNotRetainThePiece(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	id := s.NewID()
	w := begin(t, s, id)
	content, piece := random(8*w.MaxChunk()), make([]byte, w.MaxChunk())
	var all sync.WaitGroup
	for rest := content; len(rest) > 0; rest = rest[len(piece):] {
		copy(piece, rest)
		all.Add(1)
		require.NoError(t, w.Append(t.Context(), piece, func(int64, error) { all.Done() }))
		clear(piece)
	}
	all.Wait()
	_, err := s.Add(t.Context(), document(id, content))
	require.NoError(t, err)
	require.True(t, string(content) == string(read(t, s, id)))
}

func TestOnDurableIsCalledInOrder(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	w := begin(t, s, s.NewID())
	var reported []int64
	done := make(chan struct{})
	for i := range 50 {
		require.NoError(t, w.Append(t.Context(), random(1+i), func(stored int64, err error) {
			if err == nil {
				reported = append(reported, stored)
			}
			if stored == 50*51/2 {
				close(done)
			}
		}))
	}
	<-done
	var want []int64
	for i, sum := 0, int64(0); i < 50; i++ {
		sum += int64(1 + i)
		want = append(want, sum)
	}
	require.Equal(t, want, reported)
}

// All writers share the budget: while one has all of it, another waits, and its caller may
// give up without having sent anything.
func TestBudgetHoldsWritersBack(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{Budget: 1000})
	holder, waiter := begin(t, s, s.NewID()), begin(t, s, s.NewID())
	held, release := make(chan struct{}), make(chan struct{})
	require.NoError(t, holder.Append(t.Context(), random(10), func(int64, error) {
		close(held)
		<-release
	}))
	<-held
	// The holder's acknowledgements are not handled until release: its next pieces stay
	// charged.
	require.NoError(t, holder.Append(t.Context(), random(900), nil))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := waiter.Append(ctx, random(200), nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, waiter.Offset())

	close(release)
	write(t, waiter, random(200), 200)
}

func TestPieceLargerThanTheBudgetIsStillTaken(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{Budget: 1000})
	write(t, begin(t, s, s.NewID()), random(5000), 2500)
}

func TestWriterFailsWhenTheEngineCloses(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	s := open(t, e, objects.Options{})
	w := begin(t, s, s.NewID())
	write(t, w, random(10), 10)
	e.Close()
	err := refused(t, w, random(10))
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err), "%v", err)
	require.EqualValues(t, 10, w.Stored())
}

// If the store becomes full, an early chunk may be refused and a later, smaller one
// accepted. Acknowledged chunks stay, those after the gap are dropped.
func TestFullStoreLeavesNoGap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, err := engine.Start(t.Context(), engine.Options{Dir: dir, MaxStore: 4 << 20, Reserve: 1 << 20})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	s := open(t, e, objects.Options{})
	id := s.NewID()
	w := begin(t, s, id)
	content := random(16 << 20)
	var all sync.WaitGroup
	for rest := content; len(rest) > 0 && err == nil; rest = rest[1<<19:] {
		all.Add(1)
		err = w.Append(t.Context(), rest[:1<<19], func(int64, error) { all.Done() })
	}
	all.Done() // of the piece that was refused at once
	all.Wait()
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(err), "%v", err)
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(s.AdmitUpload()))
	stored := w.Stored()
	require.Positive(t, stored)
	e.Close()

	s = open(t, startEngine(t, dir), objects.Options{})
	w = begin(t, s, id)
	require.Equal(t, stored, w.Offset())
	require.Equal(t, sha256.Sum256(content[:stored]), w.Sum())
}
