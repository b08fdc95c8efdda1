package proxy

import (
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"attache/bridge"
)

// refusalLog bounds the log's lines about refusals, because any client can be refused as
// often as it likes. Of each code it writes some lines, and how many more there were.
type refusalLog struct {
	log *slog.Logger

	mu     sync.Mutex
	byCode map[bridge.Code]*refusalLimit
}

// refusalLimit is the limit of one code.
type refusalLimit struct {
	*rate.Limiter
	more int64 // refusals that were not written
}

const (
	refusalRate  = 1  // lines a second of one code
	refusalBurst = 20 // lines at once before that
	sumEvery     = 10 * time.Second
)

func newRefusalLog(log *slog.Logger) *refusalLog {
	return &refusalLog{log: log, byCode: map[bridge.Code]*refusalLimit{}}
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
	r := q.byCode[code]
	if r == nil {
		r = &refusalLimit{Limiter: rate.NewLimiter(refusalRate, refusalBurst)}
		q.byCode[code] = r
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
	q.log.Warn("more were refused and not logged", "code", code, "times", n, "within", sumEvery)
}
