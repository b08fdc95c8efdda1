package assembly

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy"
)

// swept is a store that counts its sweeps.
type swept struct {
	Store
	times []time.Time
	err   error
}

func (s *swept) Sweep(_ context.Context, days int, _ proxy.Linked) ([]string, error) {
	s.times = append(s.times, time.Now())
	return []string{"2025-01-01"}, s.err
}

func TestSweep_AtOnceAndEveryHourUntilClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var c closers
		s := &swept{err: errors.New("one day stays")}
		began := time.Now()
		c.sweeping(s, 3, nil, slog.New(slog.NewTextHandler(&out, nil)))
		time.Sleep(2*sweepEvery + time.Minute)
		c.Close()
		time.Sleep(3 * sweepEvery)
		require.Equal(t, []time.Time{began, began.Add(sweepEvery), began.Add(2 * sweepEvery)}, s.times)
		require.Contains(t, out.String(), "one day stays", "a failure is logged")
		require.Contains(t, out.String(), "2025-01-01", "and so is what was swept beside it")
	})
}
