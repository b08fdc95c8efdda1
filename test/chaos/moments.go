package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"attache/test/chaos/bugs"
)

// place is where a moment came: at a page.
type place struct {
	room  *room
	party int
}

// moments passes on what the pages see happen to whoever waits to do harm just
// then: most of the time nothing delicate is under way, and harm by the clock
// alone rarely meets what is.
type moments struct {
	mu      sync.Mutex
	waiting map[bugs.Moment][]chan place
}

func newMoments() *moments { return &moments{waiting: map[bugs.Moment][]chan place{}} }

// came tells everybody who waits for it.
func (m *moments) came(what bugs.Moment, at place) {
	m.mu.Lock()
	waiting := m.waiting[what]
	delete(m.waiting, what)
	m.mu.Unlock()
	for _, w := range waiting {
		w <- at
	}
}

// Bounds of the waiting for a moment.
const (
	momentTime = 400 * time.Millisecond // one that does not come by then is not waited for
	afterwards = 4 * time.Millisecond   // at the most, from a moment to the harm
	byTheClock = 60 * time.Millisecond  // at the most, where no moment is waited for
)

// await returns shortly after the next such moment, with where it came; false
// where it did not come, or none was asked for.
func (m *moments) await(ctx context.Context, what bugs.Moment, random *rand.Rand) (at place, came bool) {
	if what == bugs.AnyTime {
		pause(ctx, time.Duration(random.Int64N(int64(byTheClock))))
		return at, false
	}
	here := make(chan place, 1)
	m.mu.Lock()
	m.waiting[what] = append(m.waiting[what], here)
	m.mu.Unlock()
	late := time.NewTimer(momentTime)
	defer late.Stop()
	// Half of all harm comes at once, because what is delicate may be over soon.
	after := max(0, time.Duration((random.Float64()*2-1)*float64(afterwards)))
	select {
	case at = <-here:
		return at, after == 0 || pause(ctx, after)
	case <-late.C:
	case <-ctx.Done():
	}
	return at, false
}

// drawn is the moment of the next harm: that of the trial, or any.
func drawn(random *rand.Rand, what bugs.Moment) bugs.Moment {
	if what != bugs.AnyTime {
		return what
	}
	return bugs.Moments[random.IntN(len(bugs.Moments))]
}

// around is a time between a quarter and seven quarters of the mean.
func around(random *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(float64(mean) * (0.25 + 1.5*random.Float64()))
}

// pause waits; false: ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
