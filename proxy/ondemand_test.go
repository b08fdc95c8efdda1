package proxy

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOnDemandMissesNoCall(t *testing.T) {
	var o onDemand
	var asked, done atomic.Int64
	o.run() // before it has begun
	o.start(func() error { done.Store(asked.Load()); return nil }, func(error) { t.Error("no work failed") })
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 1000 {
				asked.Add(1)
				o.run()
			}
		})
	}
	callers.Wait()
	require.Eventually(t, func() bool { return done.Load() == asked.Load() }, time.Minute, time.Millisecond)
	o.stop()
}

func TestOnDemandRunsOnceAtATimeAndNotAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o onDemand
		var running, runs atomic.Int64
		next := make(chan struct{})
		o.start(func() error {
			require.Equal(t, int64(1), running.Add(1))
			<-next
			running.Add(-1)
			runs.Add(1)
			return nil
		}, nil)
		o.run()
		synctest.Wait()
		for range 3 {
			o.run()
		}
		next <- struct{}{}
		synctest.Wait()
		require.Equal(t, int64(1), runs.Load())
		stopped := make(chan struct{})
		go func() { o.stop(); close(stopped) }()
		synctest.Wait()
		next <- struct{}{} // the calls during the first run were one
		<-stopped
		o.run()
		synctest.Wait()
		require.Equal(t, int64(2), runs.Load())
	})
}

func TestOnDemandEndsWithAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o onDemand
		broken := errors.New("broken")
		var runs int
		var got error
		o.start(func() error { runs++; return broken }, func(err error) { got = err })
		for range 3 {
			o.run()
			synctest.Wait()
		}
		o.stop()
		require.Equal(t, 1, runs)
		require.Equal(t, broken, got)
	})
}
