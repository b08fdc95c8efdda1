package proxy

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// paces bound how fast a party's messages are read, so that one page cannot keep
// the chat and the store from all others. Who sends faster waits and is refused
// nothing.
type paces struct {
	limit rate.Limit // messages a second
	burst int        // at once, before that

	mu sync.Mutex
	of map[string]*pace // by seat
}

// pace is one party's, over all its sockets here.
type pace struct {
	*rate.Limiter
	heard   atomic.Int64 // when a byte came on any of its sockets
	sockets int
	rest    *time.Timer // since the last socket has gone: it is kept until it is full
}

// enter counts a socket in. One that comes back finds what it has left.
func (p *paces) enter(who Identity) *pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.of[who.seat()]
	if of == nil {
		of = &pace{Limiter: rate.NewLimiter(p.limit, p.burst)}
		p.of[who.seat()] = of
	}
	of.sockets++
	if of.rest != nil {
		of.rest.Stop()
		of.rest = nil
	}
	return of
}

func (p *paces) exit(who Identity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.of[who.seat()]
	if of.sockets--; of.sockets > 0 {
		return
	}
	full := time.Duration(float64(p.burst) / float64(p.limit) * float64(time.Second))
	of.rest = time.AfterFunc(full, func() { p.drop(who.seat(), of) })
}

func (p *paces) drop(seat string, of *pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of.sockets == 0 && p.of[seat] == of {
		delete(p.of, seat)
	}
}
