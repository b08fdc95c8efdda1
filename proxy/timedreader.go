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
//
// Bytes are counted on the connection, because the library returns from a Read only once the
// buffer is full: a large frame on a slow line would seem to be silence.
type timedReader struct {
	io.Reader
	within time.Duration
	came   func() (bytes, last int64) // on the connection, and when the last ones came
	late   func()                     // it did not arrive in time

	done atomic.Bool
}

// maxTimes is how many times within a message may take, however many bytes come. By
// default that is more than [bridge.Timeout] ever gives: two minutes, in which 16 kbit/s
// bring nearly 256 KiB.
const maxTimes = 10

// watch calls late when the time is over, unless stop is called before.
func (r *timedReader) watch() (stop func()) {
	began := now()
	before, _ := r.came()
	var timer *time.Timer
	timer = time.AfterFunc(time.Hour, func() {
		if r.done.Load() {
			return
		}
		bytes, last := r.came()
		may := min(bridge.Timeout(r.within, bytes-before), maxTimes*r.within)
		left := time.Duration(min(began+int64(may), max(began, last)+int64(r.within)) - now())
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
