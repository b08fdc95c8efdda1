package main

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"attache/test/chaos/bugs"
)

// cutter cuts the wires of single pages, while the others go on: what happens
// then, the page has missed when it comes back.
type cutter struct {
	random *rand.Rand
	pause  time.Duration // between two cuts, in the mean; 0: there are none
	moment bugs.Moment   // when; any time: at all kinds in turn
	cuts   atomic.Int64
}

// run cuts until ctx ends.
func (c *cutter) run(ctx context.Context, m *moments, rooms []*room) {
	for c.pause > 0 && pause(ctx, around(c.random, c.pause)) {
		at, came := m.await(ctx, drawn(c.random, c.moment), c.random)
		if !came {
			at = place{rooms[c.random.IntN(len(rooms))], c.random.IntN(2)}
		}
		at.room.pages[at.party].Cut()
		c.cuts.Add(1)
	}
}
