package objects_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	c.days.Store(2)
	swept, err := s.Sweep(t.Context(), 1, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"documents-2026-11-20"}, swept)
}
