package guests

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates are rate limits by key: of parties, addresses, attempts. A limiter that is
// full again is the same as a new one, and is dropped.
type Rates struct {
	rate  rate.Limit // units a second
	burst int        // units at once, before that
	most  int        // bound on the number of keys, if strangers choose them; 0: none

	mu    sync.Mutex
	byKey map[string]*rateLimiter
	swept time.Time
}

type rateLimiter struct {
	*rate.Limiter
	refused bool // the last time
	used    time.Time
}

// NewRates returns limits of n units a second for each key, after burst units at once. most bounds
// the number of keys, if strangers choose them; 0 is no bound.
func NewRates(rate rate.Limit, burst, most int) *Rates {
	return &Rates{rate: rate, burst: burst, most: most, byKey: map[string]*rateLimiter{}}
}

// Allow takes n units from the key's limiter, and reports whether it had them.
func (l *Rates) Allow(key string, n int) bool {
	ok, _ := l.Try(key, n)
	return ok
}

// Try is Allow, and reports whether a refusal is the first one since the limiter last had
// enough.
func (l *Rates) Try(key string, n int) (ok, first bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.get(key, now)
	ok = one.AllowN(now, n)
	first = !ok && !one.refused
	one.refused = !ok
	return ok, first
}

func (l *Rates) get(key string, now time.Time) *rateLimiter {
	full := time.Duration(float64(l.burst) / float64(l.rate) * float64(time.Second))
	if now.Sub(l.swept) > full {
		l.swept = now
		maps.DeleteFunc(l.byKey, func(_ string, one *rateLimiter) bool { return now.Sub(one.used) > full })
	}
	one := l.byKey[key]
	if one == nil {
		if l.most > 0 && len(l.byKey) >= l.most {
			clear(l.byKey) // every key has its burst again; the map stays small
		}
		one = &rateLimiter{Limiter: rate.NewLimiter(l.rate, l.burst)}
		l.byKey[key] = one
	}
	one.used = now
	return one
}
