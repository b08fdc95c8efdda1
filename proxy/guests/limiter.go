package guests

import (
	"container/list"
	"sync"
	"time"
)

// Limiter bounds concurrent guests, in total and by address. At the total, each new guest
// evicts the oldest guest of the address that has the most. So a guest that soon
// authenticates is never evicted.
type Limiter struct {
	total, perAddress int
	refuse            bool

	mu        sync.Mutex
	guests    int
	byAddress map[string]*list.List // of *guest, the oldest first
}

type guest struct {
	address string
	since   time.Time
	evict   func()
	element *list.Element // nil: released
}

// NewLimiter returns a limiter for total guests, perAddress of them from one address. If an
// address has that many, its next guest is refused if refuse is set; otherwise its oldest is
// evicted.
func NewLimiter(total, perAddress int, refuse bool) *Limiter {
	return &Limiter{total: total, perAddress: perAddress, refuse: refuse, byAddress: map[string]*list.List{}}
}

// Acquire admits a guest and returns a function that releases it, which may be called any
// number of times; nil if the guest is refused. evict is called at most once, after the guest
// was released, if it is evicted. It is called without the limiter's lock and must not block for
// long.
func (l *Limiter) Acquire(address string, evict func()) (release func()) {
	g := &guest{address: address, since: time.Now(), evict: evict}
	l.mu.Lock()
	var evicted *guest
	switch same := l.byAddress[address]; {
	case same != nil && same.Len() >= l.perAddress:
		if l.refuse {
			l.mu.Unlock()
			return nil
		}
		evicted = same.Front().Value.(*guest)
	case l.guests >= l.total:
		evicted = l.candidate()
	}
	if evicted != nil {
		l.remove(evicted)
	}
	l.add(g)
	l.mu.Unlock()
	if evicted != nil {
		evicted.evict()
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.remove(g)
	}
}

// Evict evicts up to n guests and returns how many it evicted.
func (l *Limiter) Evict(n int) (evicted int) {
	for ; evicted < n; evicted++ {
		l.mu.Lock()
		g := l.candidate()
		if g != nil {
			l.remove(g)
		}
		l.mu.Unlock()
		if g == nil {
			break
		}
		g.evict()
	}
	return evicted
}

// Len returns how many guests there are.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.guests
}

// candidate returns the oldest guest of the address with the most; nil if there is none.
func (l *Limiter) candidate() (g *guest) {
	most := 0
	for _, same := range l.byAddress {
		first := same.Front().Value.(*guest)
		if n := same.Len(); n > most || n == most && first.since.Before(g.since) {
			most, g = n, first
		}
	}
	return g
}

func (l *Limiter) add(g *guest) {
	same := l.byAddress[g.address]
	if same == nil {
		same = list.New()
		l.byAddress[g.address] = same
	}
	g.element = same.PushBack(g)
	l.guests++
}

func (l *Limiter) remove(g *guest) {
	if g.element == nil {
		return
	}
	same := l.byAddress[g.address]
	same.Remove(g.element)
	g.element = nil
	if l.guests--; same.Len() == 0 {
		delete(l.byAddress, g.address)
	}
}
