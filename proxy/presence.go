package proxy

import (
	"context"
	"sync"
	"time"

	"attache/bridge"
)

// presence takes a party out of its session when its last socket here has been
// gone for the disconnect timeout. A page that reloads is back long before.
type presence struct {
	proxy *Proxy

	mu     sync.Mutex
	seats  map[string]*seat
	closed bool
}

type seat struct {
	sockets int
	timer   *time.Timer
}

func (p *presence) enter(who Identity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seats[who.seat()]
	if s == nil {
		s = &seat{}
		p.seats[who.seat()] = s
	}
	s.sockets++
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// exit counts a socket out. left tells that the party itself said goodbye.
func (p *presence) exit(who Identity, left bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seats[who.seat()]
	if s.sockets--; s.sockets > 0 {
		return
	}
	if left || p.closed {
		delete(p.seats, who.seat())
		return
	}
	s.timer = time.AfterFunc(p.proxy.DisconnectTimeout, func() { p.expire(who, s) })
}

func (p *presence) expire(who Identity, s *seat) {
	p.mu.Lock()
	if p.closed || p.seats[who.seat()] != s || s.sockets > 0 {
		p.mu.Unlock()
		return
	}
	delete(p.seats, who.seat())
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.proxy.ctx, requestTime)
	defer cancel()
	err := p.proxy.Chat.Leave(ctx, who.Session, who.Party.UserID, bridge.ReasonDisconnected, bridge.KeepAlive)
	if err != nil {
		p.proxy.Log.Warn("leave after disconnect", "session", who.Session, "user", who.Party.UserID, "error", err)
	}
}

func (p *presence) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, s := range p.seats {
		if s.timer != nil {
			s.timer.Stop()
		}
	}
}

// seat names a party's place in a session; neither part can hold the slash.
func (who Identity) seat() string { return who.Session + "/" + who.Party.UserID }
