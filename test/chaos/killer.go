package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"attache/test/chaos/bugs"
)

// killer kills processes by a seeded schedule, in ones, twos and threes, and
// starts each again. Where there are fewer processes than are to be killed, one
// is killed again while it recovers.
type killer struct {
	victims []*process
	pair    []*process // the proxy and its backend; nil: there is none
	random  *rand.Rand
	pause   time.Duration // between two kills, in the mean
	moments *moments
	moment  bugs.Moment // when; any time: at all kinds in turn

	armed   atomic.Int64 // kills done when the latest was armed, and that one
	Kills   atomic.Int64 // processes killed
	strikes strikes      // read when run has returned
	took    []time.Duration
}

// strikes are the times that more was killed than one process once.
type strikes struct {
	Several int64 `json:"killsOfSeveralProcesses"`                     // different ones, in one moment
	Pair    int64 `json:"killsOfProxyAndBackend,omitempty"`            // of these, those of both
	Again   int64 `json:"killsOfAProcessAgainWhileStarting,omitempty"` // of the same one
}

func (s *strikes) add(other strikes) {
	s.Several += other.Several
	s.Pair += other.Pair
	s.Again += other.Again
}

// run does that many kills, or fewer when ctx ends; next is asked before each
// and may wait. Each is armed first, so that what is to be under way then can
// begin. The error is a process that did not come back.
func (k *killer) run(ctx context.Context, kills int64, next func(done int64) bool) error {
	for k.Kills.Load() < kills && ctx.Err() == nil && next(k.Kills.Load()) {
		if !pause(ctx, around(k.random, k.pause)) {
			return nil
		}
		k.armed.Store(k.Kills.Load() + 1)
		k.moments.await(ctx, drawn(k.random, k.moment), k.random)
		if err := k.strike(ctx, k.several()); err != nil {
			return err
		}
	}
	return nil
}

// due is how many kills are done or about to be done.
func (k *killer) due() int64 { return max(k.armed.Load(), k.Kills.Load()) }

// several is 1 or 2 in four of ten cases each, 3 otherwise.
func (k *killer) several() int { return []int{1, 1, 1, 1, 2, 2, 2, 2, 3, 3}[k.random.IntN(10)] }

func (k *killer) strike(ctx context.Context, several int) error {
	begun := time.Now()
	order := k.random.Perm(len(k.victims))[:min(several, len(k.victims))]
	var dead []*process
	for _, n := range order {
		dead = append(dead, k.victims[n])
	}
	killAll(dead)
	k.Kills.Add(int64(len(dead)))
	k.count(dead, several)
	for left := several - len(order); left > 0; left-- {
		if err := k.strikeAgain(dead[0]); err != nil {
			return err
		}
	}
	errs := make(chan error, len(dead))
	for _, p := range dead {
		go func() { errs <- p.start(ctx) }()
	}
	var err error
	for range dead {
		if e := <-errs; e != nil {
			err = e
		}
	}
	k.took = append(k.took, time.Since(begun))
	return err
}

func (k *killer) count(dead []*process, several int) {
	if len(dead) > 1 {
		k.strikes.Several++
	}
	if len(k.pair) > 0 && !slices.ContainsFunc(k.pair, func(p *process) bool { return !slices.Contains(dead, p) }) {
		k.strikes.Pair++
	}
	if several > len(dead) {
		k.strikes.Again++
	}
}

// strikeAgain kills a process while it starts.
func (k *killer) strikeAgain(p *process) error {
	served, err := p.begin()
	if err != nil {
		return err
	}
	select {
	case <-served:
	case <-time.After(time.Duration(k.random.IntN(120)) * time.Millisecond):
	}
	p.kill()
	k.Kills.Add(1)
	return nil
}
