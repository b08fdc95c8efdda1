package proxy

import (
	"maps"
	"sync"
	"time"
)

// auditedGrants are the grants that were used here lately: whether the first use is in
// the audit log, and when the party's right was last confirmed. A download in pieces is
// many uses, and the holder of a ticket may make as many as it likes.
type auditedGrants struct {
	mu    sync.Mutex
	uses  map[Grant]*grantUse
	swept time.Time
}

type grantUse struct {
	last time.Time // guarded by the mutex of auditedGrants

	mu        sync.Mutex // held while its line is written or its right is asked for: other uses wait for that
	audited   bool       // its line is in the audit log
	confirmed time.Time  // when the party had the right
}

const (
	// sweepGrantsEvery is how long a grant is remembered after its last use, once no
	// download may begin with it any more.
	sweepGrantsEvery = time.Minute
	// rightTime is how long a confirmed right is believed.
	rightTime = time.Second
)

// first runs record unless this grant's first use is already in the audit log.
func (a *auditedGrants) first(g Grant, record func() error) error {
	use := a.use(g)
	use.mu.Lock()
	defer use.mu.Unlock()
	if use.audited {
		return nil
	}
	if err := record(); err != nil {
		return err
	}
	use.audited = true
	return nil
}

// confirm runs ask unless the grant's party had its right a moment ago.
func (a *auditedGrants) confirm(g Grant, ask func() error) error {
	use := a.use(g)
	use.mu.Lock()
	defer use.mu.Unlock()
	if time.Since(use.confirmed) < rightTime {
		return nil
	}
	asked := time.Now()
	if err := ask(); err != nil {
		return err
	}
	use.confirmed = asked
	return nil
}

func (a *auditedGrants) use(g Grant) *grantUse {
	g.Expires, g.Ends = g.Expires.UTC(), g.Ends.UTC() // equal times are then the same key
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.swept) > sweepGrantsEvery {
		a.swept = now
		maps.DeleteFunc(a.uses, func(g Grant, use *grantUse) bool {
			return now.Sub(g.Expires) > sweepGrantsEvery && now.Sub(use.last) > sweepGrantsEvery
		})
	}
	use := a.uses[g]
	if use == nil {
		use = &grantUse{}
		a.uses[g] = use
	}
	use.last = now
	return use
}
