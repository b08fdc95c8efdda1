package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"attache/test/chaos/bugs"
)

// pageRef names a page of a chat session.
type pageRef struct {
	chatSession *chatSession
	party       int
}

// moments lets killers and cutters wait for an event of a page, and do harm just
// then: delicate steps are short, so harm at random times rarely meets one.
type moments struct {
	mu      sync.Mutex
	waiting map[bugs.Moment][]chan pageRef
}

func newMoments() *moments { return &moments{waiting: map[bugs.Moment][]chan pageRef{}} }

// came wakes everything that waits for the moment.
func (m *moments) came(what bugs.Moment, at pageRef) {
	m.mu.Lock()
	waiting := m.waiting[what]
	delete(m.waiting, what)
	m.mu.Unlock()
	for _, w := range waiting {
		w <- at
	}
}

// Bounds of the waits for a moment.
const (
	momentTime = 400 * time.Millisecond // at most, for a moment to come
	afterwards = 4 * time.Millisecond   // at most, from a moment to the harm
	byTheClock = 60 * time.Millisecond  // at most, if no moment is waited for
)

// await returns shortly after the next moment of that kind, with its page; false if
// none came in time, or if the kind is AnyTime.
func (m *moments) await(ctx context.Context, what bugs.Moment, random *rand.Rand) (at pageRef, came bool) {
	if what == bugs.AnyTime {
		pause(ctx, time.Duration(random.Int64N(int64(byTheClock))))
		return at, false
	}
	here := make(chan pageRef, 1)
	m.mu.Lock()
	m.waiting[what] = append(m.waiting[what], here)
	m.mu.Unlock()
	late := time.NewTimer(momentTime)
	defer late.Stop()
	// Half of all harm comes at once, because a delicate step may be over soon.
	after := max(0, time.Duration((random.Float64()*2-1)*float64(afterwards)))
	select {
	case at = <-here:
		return at, after == 0 || pause(ctx, after)
	case <-late.C:
	case <-ctx.Done():
	}
	return at, false
}

// drawn is the moment of the next harm: the trial's, or a random one.
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

// pause waits for d; false: ctx ended first.
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
