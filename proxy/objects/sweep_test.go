package objects_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/objects"
)

// clock is a day that a test can advance.
type clock struct{ days atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 11, 20, 23, 59, 59, 0, time.UTC).AddDate(0, 0, int(c.days.Load()))
}

func TestEachDayHasABucket(t *testing.T) {
	t.Parallel()
	var c clock
	e := startEngine(t, t.TempDir())
	s := open(t, e, objects.Options{Now: c.now})
	content := random(10)
	first := put(t, s, content, 10)
	c.days.Store(1)
	second := put(t, s, content, 10)
	require.Equal(t, "2515", first[:4])
	require.Equal(t, "2516", second[:4])
	var names []string
	for name := range e.JetStream().ObjectStoreNames(t.Context()).Name() {
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{"documents-2026-11-20", "documents-2026-11-21"}, names)
	require.Equal(t, content, read(t, s, first), "from yesterday's bucket")
}

func TestSweep(t *testing.T) {
	t.Parallel()
	var c clock
	e := startEngine(t, t.TempDir())
	s, other := open(t, e, objects.Options{Now: c.now}), open(t, e, objects.Options{Now: c.now})
	content := random(10)
	old := put(t, s, content, 10)
	require.Equal(t, content, read(t, other, old))
	c.days.Store(3)
	recent := put(t, s, content, 10)

	swept, err := s.Sweep(t.Context(), 3)
	require.NoError(t, err)
	require.Empty(t, swept)
	c.days.Store(4)
	swept, err = s.Sweep(t.Context(), 3)
	require.NoError(t, err)
	require.Equal(t, []string{"documents-2026-11-20"}, swept)

	for name, s := range map[string]*objects.Store{"the proxy that swept": s, "another proxy": other} {
		_, err = s.Open(t.Context(), old)
		require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), "%s: %v", name, err)
		require.NoError(t, s.Discard(t.Context(), old))
		require.Equal(t, content, read(t, s, recent))
	}
	_, err = s.Sweep(t.Context(), 0)
	require.Error(t, err)
}

// An id whose bucket is gone, in a proxy that does not know it yet, can still be begun.
func TestBeginInASweptBucket(t *testing.T) {
	t.Parallel()
	var c clock
	e := startEngine(t, t.TempDir())
	s, other := open(t, e, objects.Options{Now: c.now}), open(t, e, objects.Options{Now: c.now})
	id := s.NewID()
	write(t, begin(t, s, id), random(10), 10)
	c.days.Store(9)
	_, err := other.Sweep(t.Context(), 3)
	require.NoError(t, err)
	w := begin(t, s, id)
	require.Zero(t, w.Offset())
	write(t, w, random(10), 10)
}

func TestTendSweepsAtOnce(t *testing.T) {
	t.Parallel()
	var c clock
	e := startEngine(t, t.TempDir())
	s := open(t, e, objects.Options{Now: c.now})
	old := put(t, s, random(10), 10)
	c.days.Store(9)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.Tend(ctx, 3); close(ended) }()
	require.Eventually(t, func() bool {
		_, err := s.Open(t.Context(), old)
		return bridge.CodeOf(err) == bridge.CodeDocument
	}, time.Minute, time.Millisecond)
	cancel()
	<-ended
}

func TestNewIDs(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	seen := map[string]bool{}
	for range 2000 {
		id := s.NewID()
		require.Regexp(t, `^\d{4}[0-9A-Za-z]{12}$`, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}
