package proxy

import (
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"attache/bridge"
)

// refusalLog bounds how often the log is told of refusals, because anybody can be
// refused as often as they like. Of each code it writes some, and how many more there
// were.
type refusalLog struct {
	log *slog.Logger

	mu sync.Mutex
	of map[bridge.Code]*refusalLimit
}

// refusalLimit is that of one code.
type refusalLimit struct {
	*rate.Limiter
	more int64 // refusals that were not written
}

const (
	refusalRate  = 1  // lines a second of one code
	refusalBurst = 20 // and at once before that
	sumEvery     = 10 * time.Second
)

func newRefusalLog(log *slog.Logger) *refusalLog {
	return &refusalLog{log: log, of: map[bridge.Code]*refusalLimit{}}
}

// warn writes the line, or counts it.
func (q *refusalLog) warn(log *slog.Logger, code bridge.Code, args ...any) {
	if q.admit(code) {
		log.Warn("refused", append([]any{"code", code}, args...)...)
	}
}

func (q *refusalLog) admit(code bridge.Code) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.of[code]
	if r == nil {
		r = &refusalLimit{Limiter: rate.NewLimiter(refusalRate, refusalBurst)}
		q.of[code] = r
	}
	if r.Allow() {
		return true
	}
	if r.more++; r.more == 1 {
		time.AfterFunc(sumEvery, func() { q.sum(code, r) })
	}
	return false
}

func (q *refusalLog) sum(code bridge.Code, r *refusalLimit) {
	q.mu.Lock()
	n := r.more
	r.more = 0
	q.mu.Unlock()
	q.log.Warn("more were refused", "code", code, "times", n, "within", sumEvery)
}
