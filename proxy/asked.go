package proxy

import (
	"maps"
	"strconv"
	"sync"
	"time"

	"attache/bridge"

	"golang.org/x/time/rate"
)

// askedAttempts bound how often links are given for one attempt of a customer's.
// A cut download needs a few; without a bound one attempt would be any number of
// downloads. Each proxy counts for itself.
type askedAttempts struct {
	mu    sync.Mutex
	of    map[string]*askedAttempt
	swept time.Time
}

type askedAttempt struct {
	*rate.Limiter
	last time.Time
}

const (
	attemptLinks = 10          // at once
	attemptEvery = time.Minute // and one more
)

// again charges an attempt, named by its party, key and file, with one more link;
// code busy.
func (a *askedAttempts) again(attempt string) error {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.swept) > attemptLinks*attemptEvery {
		a.swept = now
		maps.DeleteFunc(a.of, func(_ string, of *askedAttempt) bool { return now.Sub(of.last) > attemptLinks*attemptEvery })
	}
	of := a.of[attempt]
	if of == nil {
		of = &askedAttempt{Limiter: rate.NewLimiter(rate.Every(attemptEvery), attemptLinks)}
		a.of[attempt] = of
	}
	of.last = now
	if of.AllowN(now, 1) {
		return nil
	}
	return bridge.NewError(bridge.CodeBusy, "this download was asked for "+strconv.Itoa(attemptLinks)+" times in a short time; there is one more link a minute")
}
