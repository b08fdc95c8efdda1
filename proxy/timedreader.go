package proxy

import (
	"io"
	"sync/atomic"
	"time"

	"attache/bridge"
)

// timedReader reads a message on its way in. It has a time that does not depend on its
// length, and more for every byte that came, as a slow line needs, but no pause
// may be as long as the first: a peer that drips or stops ends soon, and any peer
// in the end.
type timedReader struct {
	io.Reader
	within time.Duration
	late   func() // it did not come in time

	came atomic.Int64 // bytes
	last atomic.Int64 // when some came
	done atomic.Bool
}

// mostTimes is how many times within a message may take, however many bytes come.
// By default that is more than [bridge.Patience] ever gives: two minutes, in which
// 16 kbit/s bring nearly 256 KiB.
const mostTimes = 10

func (a *timedReader) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.came.Add(int64(n))
		a.last.Store(now())
	}
	return n, err
}

// watch calls late once the time is over, unless stop is called before.
func (a *timedReader) watch() (stop func()) {
	began := now()
	a.last.Store(began)
	var timer *time.Timer
	timer = time.AfterFunc(time.Hour, func() {
		if a.done.Load() {
			return
		}
		may := min(bridge.Timeout(a.within, a.came.Load()), mostTimes*a.within)
		left := time.Duration(min(began+int64(may), a.last.Load()+int64(a.within)) - now())
		if left > 0 {
			timer.Reset(left)
			return
		}
		a.late()
	})
	timer.Reset(a.within)
	return func() {
		a.done.Store(true)
		timer.Stop()
	}
}
