package proxy

import (
	"io"
	"sync/atomic"
	"time"

	"attache/bridge"
)

// timedReader reads a message that is arriving, within a deadline. The deadline begins at
// a time that does not depend on the message's length, and every byte that arrives extends
// it, as a slow link needs; but no pause may be as long as that first time. So a peer that
// stops or drips is cut soon, and every message ends at last.
type timedReader struct {
	io.Reader
	within time.Duration
	late   func() // it did not arrive in time

	came atomic.Int64 // bytes
	last atomic.Int64 // when some came
	done atomic.Bool
}

// maxTimes is how many times within a message may take, however many bytes come. By
// default that is more than [bridge.Timeout] ever gives: two minutes, in which 16 kbit/s
// bring nearly 256 KiB.
const maxTimes = 10

// Read asks for no more than the slowest line brings in the time: the library returns
// only once p is full, and until then no byte of it counts.
func (r *timedReader) Read(p []byte) (int, error) {
	piece := int(r.within.Seconds() * bridge.SlowestRate)
	n, err := r.Reader.Read(p[:min(len(p), max(piece, 1))])
	if n > 0 {
		r.came.Add(int64(n))
		r.last.Store(now())
	}
	return n, err
}

// watch calls late when the time is over, unless stop is called before.
func (r *timedReader) watch() (stop func()) {
	began := now()
	r.last.Store(began)
	var timer *time.Timer
	timer = time.AfterFunc(time.Hour, func() {
		if r.done.Load() {
			return
		}
		may := min(bridge.Timeout(r.within, r.came.Load()), maxTimes*r.within)
		left := time.Duration(min(began+int64(may), r.last.Load()+int64(r.within)) - now())
		if left > 0 {
			timer.Reset(left)
			return
		}
		r.late()
	})
	timer.Reset(r.within)
	return func() {
		r.done.Store(true)
		timer.Stop()
	}
}
