package main

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"attache/test/chaos/bugs"
)

// cutter cuts the wires of single pages, which then miss what happens in their
// session until they are back.
type cutter struct {
	random *rand.Rand
	pause  time.Duration // mean time between two cuts; 0: no cuts
	moment bugs.Moment   // of a cut; AnyTime: a random one each time
	cuts   atomic.Int64
}

// run cuts until ctx ends.
func (c *cutter) run(ctx context.Context, m *moments, sessions []*chatSession) {
	for c.pause > 0 && pause(ctx, around(c.random, c.pause)) {
		at, came := m.await(ctx, drawn(c.random, c.moment), c.random)
		if !came {
			at = pageRef{sessions[c.random.IntN(len(sessions))], c.random.IntN(2)}
		}
		at.chatSession.pages[at.party].Cut()
		c.cuts.Add(1)
	}
}
