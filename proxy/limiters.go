package proxy

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiters bound how often each of many may do something: parties, addresses, attempts. One
// that was not asked until it is full again is as good as a new one, and is forgotten.
type limiters struct {
	rate  rate.Limit // units a second
	burst int        // units at once, before that
	most  int        // how many are kept, for keys that strangers choose; 0: any number

	mu    sync.Mutex
	of    map[string]*limiter
	swept time.Time
}

type limiter struct {
	*rate.Limiter
	refuses bool // it refused the last time
	used    time.Time
}

func newLimiters(rate rate.Limit, burst, most int) *limiters {
	return &limiters{rate: rate, burst: burst, most: most, of: map[string]*limiter{}}
}

// allow charges the key's limiter with n units, and reports whether it had them.
func (l *limiters) allow(key string, n int) bool {
	ok, _ := l.try(key, n)
	return ok
}

// try is allow, and reports whether a refusal is the first one since the last time that
// the limiter had enough.
func (l *limiters) try(key string, n int) (ok, first bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.get(key, now)
	ok = one.AllowN(now, n)
	first = !ok && !one.refuses
	one.refuses = !ok
	return ok, first
}

func (l *limiters) get(key string, now time.Time) *limiter {
	full := time.Duration(float64(l.burst) / float64(l.rate) * float64(time.Second))
	if now.Sub(l.swept) > full {
		l.swept = now
		maps.DeleteFunc(l.of, func(_ string, one *limiter) bool { return now.Sub(one.used) > full })
	}
	one := l.of[key]
	if one == nil {
		if l.most > 0 && len(l.of) >= l.most {
			clear(l.of) // whoever asks anew has a burst again; the map stays small
		}
		one = &limiter{Limiter: rate.NewLimiter(l.rate, l.burst)}
		l.of[key] = one
	}
	one.used = now
	return one
}
