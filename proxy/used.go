package proxy

import (
	"maps"
	"sync"
	"time"
)

// usedTickets are the tickets that were used here of late: whether the first use
// is in the audit log, and when its right was asked for last. A download in
// pieces is many uses, and whoever holds a ticket may make as many as it likes.
type usedTickets struct {
	mu    sync.Mutex
	uses  map[Grant]*ticketUse
	swept time.Time
}

type ticketUse struct {
	last time.Time // of usedTickets' lock

	mu       sync.Mutex // held while its line is written or its right asked for: other uses wait for that
	recorded bool       // its line is in the audit log
	allowed  time.Time  // when its right was there
}

const (
	// sweepTicketsEvery is how long a ticket is kept after its last use, once no
	// download may begin with it any more.
	sweepTicketsEvery = time.Minute
	// rightKept is how long an answer about a ticket's right is believed.
	rightKept = time.Second
)

// record has the grant's use written to the audit log, unless it was.
func (t *usedTickets) record(g Grant, write func() error) error {
	use := t.use(g)
	use.mu.Lock()
	defer use.mu.Unlock()
	if use.recorded {
		return nil
	}
	if err := write(); err != nil {
		return err
	}
	use.recorded = true
	return nil
}

// allowed asks whether the grant's party still has its right, unless it had a
// moment ago.
func (t *usedTickets) allowed(g Grant, ask func() error) error {
	use := t.use(g)
	use.mu.Lock()
	defer use.mu.Unlock()
	if time.Since(use.allowed) < rightKept {
		return nil
	}
	asked := time.Now()
	if err := ask(); err != nil {
		return err
	}
	use.allowed = asked
	return nil
}

func (t *usedTickets) use(g Grant) *ticketUse {
	g.Expires, g.Ends = g.Expires.UTC(), g.Ends.UTC() // equal times are then the same key
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.swept) > sweepTicketsEvery {
		t.swept = now
		maps.DeleteFunc(t.uses, func(g Grant, use *ticketUse) bool {
			return now.Sub(g.Expires) > sweepTicketsEvery && now.Sub(use.last) > sweepTicketsEvery
		})
	}
	use := t.uses[g]
	if use == nil {
		use = &ticketUse{}
		t.uses[g] = use
	}
	use.last = now
	return use
}
