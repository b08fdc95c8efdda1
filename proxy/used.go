package proxy

import (
	"maps"
	"sync"
	"time"
)

// usedTickets are the tickets whose first use here is in the audit log. A download
// in pieces is many uses, and whoever holds a ticket may make as many as it likes.
// It holds one for each ticket line of the last minutes.
type usedTickets struct {
	mu    sync.Mutex
	kept  map[Grant]*firstUse
	swept time.Time
}

type firstUse struct {
	mu   sync.Mutex // held while its line is written: other uses wait for that
	kept bool
}

// sweepTicketsEvery is also longer than a ticket is good after its end, for clocks
// that differ.
const sweepTicketsEvery = time.Minute

// once has the grant's use kept, unless it was.
func (t *usedTickets) once(g Grant, keep func() error) error {
	use := t.use(g)
	use.mu.Lock()
	defer use.mu.Unlock()
	if use.kept {
		return nil
	}
	if err := keep(); err != nil {
		return err
	}
	use.kept = true
	return nil
}

func (t *usedTickets) use(g Grant) *firstUse {
	g.Expires = g.Expires.UTC() // equal times are then the same key
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.swept) > sweepTicketsEvery {
		t.swept = now
		maps.DeleteFunc(t.kept, func(g Grant, _ *firstUse) bool { return now.Sub(g.Expires) > sweepTicketsEvery })
	}
	use := t.kept[g]
	if use == nil {
		use = &firstUse{}
		t.kept[g] = use
	}
	return use
}
