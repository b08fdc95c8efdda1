package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"attache/test/chaos/bugs"
)

// killer kills one, two or three processes at a time by a seeded schedule, and
// starts each again. If there are too few processes, it kills one again while that
// recovers.
type killer struct {
	victims []*process
	pair    []*process // the proxy and its backend; nil: there is none
	random  *rand.Rand
	pause   time.Duration // mean time between two kills
	moments *moments
	moment  bugs.Moment // of a kill; AnyTime: a random one each time

	armed   atomic.Int64 // kills done when the latest was armed, plus one
	Kills   atomic.Int64 // processes killed
	strikes strikes      // read when run has returned
	took    []time.Duration
}

// strikes counts the times when more than one process was killed, or one more than once.
type strikes struct {
	Several int64 `json:"killsOfSeveralProcesses"`                     // different ones, at once
	Pair    int64 `json:"killsOfProxyAndBackend,omitempty"`            // of these, those of both
	Again   int64 `json:"killsOfAProcessAgainWhileStarting,omitempty"` // of the same one
}

func (s *strikes) add(other strikes) {
	s.Several += other.Several
	s.Pair += other.Pair
	s.Again += other.Again
}

// run kills that many times, or until ctx ends. It calls next before each kill,
// which may wait. A kill is armed first, so that the uploads it is to interrupt can
// begin. The error is a process that did not start again.
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

// due returns how many kills are done or armed.
func (k *killer) due() int64 { return max(k.armed.Load(), k.Kills.Load()) }

// several is 1 or 2 with probability 0.4 each, else 3.
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
	err := startAll(ctx, dead)
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
