package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"attache/chaos/bugs"
)

// killer kills processes by a seeded schedule, in ones, twos and threes, and
// starts each again. Of one process alone, a double kill is a second one while
// it recovers from the first.
type killer struct {
	victims []*process
	random  *rand.Rand
	pause   time.Duration // between two kills, in the mean
	moments *moments
	moment  bugs.Moment // when; any time: at all kinds in turn

	armed    atomic.Int64 // kills done when the latest was armed, and that one
	Kills    atomic.Int64 // processes killed
	Multiple atomic.Int64 // kills of two or three
	took     []time.Duration
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

// several is 1 in seven of ten cases, 2 or 3 otherwise.
func (k *killer) several() int {
	switch n := k.random.IntN(10); {
	case n < 7:
		return 1
	case n < 9:
		return 2
	}
	return 3
}

func (k *killer) strike(ctx context.Context, several int) error {
	begun := time.Now()
	if several > 1 {
		k.Multiple.Add(1)
	}
	order := k.random.Perm(len(k.victims))[:min(several, len(k.victims))]
	var all sync.WaitGroup
	for _, n := range order {
		all.Go(k.victims[n].kill)
	}
	all.Wait()
	k.Kills.Add(int64(len(order)))
	for left := several - len(order); left > 0; left-- {
		if err := k.strikeAgain(k.victims[order[0]]); err != nil {
			return err
		}
	}
	errs := make(chan error, len(order))
	for _, n := range order {
		go func() { errs <- k.victims[n].start(ctx) }()
	}
	var err error
	for range order {
		if e := <-errs; e != nil {
			err = e
		}
	}
	k.took = append(k.took, time.Since(begun))
	return err
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
