package proxy

import (
	"cmp"
	"context"
	"sync"
	"time"

	"attache/bridge"
)

// presence removes a party from its session when it has been away for too long: since its last
// socket was closed, or since its last request. A page that reloads is back long before.
type presence struct {
	proxy *Proxy

	mu     sync.Mutex
	seats  map[string]*seat
	closed bool
}

type seat struct {
	sockets int // and requests that are being answered
	timer   *time.Timer
	left    bool          // the party has left the session
	away    time.Duration // how long it may be away
	taken   time.Time     // when the seat was last recorded
}

// takes is how often the seat of a party that only makes requests is recorded again within the
// time that it may be away. Other proxies may have removed the seat while this one was
// disconnected from them, but they let the party be away that long before they take it out.
const takes = 3

// enter counts a socket in before the party joins: from then on no other proxy
// removes the party. It takes the seat each time, because other proxies may have
// removed it while this one was disconnected from them.
func (p *presence) enter(ctx context.Context, who Identity) error {
	return p.enterFor(ctx, who, p.proxy.cfg.DisconnectTimeout, 0)
}

// enterRequest counts a request of a party without sockets in, as enter does a socket.
func (p *presence) enterRequest(ctx context.Context, who Identity) error {
	away := p.proxy.cfg.FlexDisconnectTimeout
	return p.enterFor(ctx, who, away, away/takes)
}

func (p *presence) enterFor(ctx context.Context, who Identity, away, takeAfter time.Duration) error {
	p.mu.Lock()
	s := p.seats[who.seat()]
	if s == nil {
		s = &seat{}
		p.seats[who.seat()] = s
	}
	s.sockets++
	s.away = away
	taken := time.Since(s.taken) < takeAfter
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	p.mu.Unlock()
	if p.proxy.cfg.Seats == nil || taken {
		return nil
	}
	if err := p.proxy.cfg.Seats.Take(ctx, who.Session, who.Party.UserID, away); err != nil {
		p.exit(who, false)
		if bridge.CodeOf(err) != "" {
			return err // the store's own reason
		}
		return bridge.WrapError(bridge.CodeBusy, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.taken = time.Now()
	return nil
}

// exit counts a socket out. left reports that the party itself has left the session.
func (p *presence) exit(who Identity, left bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seats[who.seat()]
	if s.sockets--; s.sockets > 0 {
		return
	}
	if p.closed {
		delete(p.seats, who.seat())
		return
	}
	s.left = left
	after := s.away
	if left {
		after = 0
	}
	p.schedule(s, after, who.Session, who.Party.UserID)
}

// lost takes over a party of a proxy that is gone. The party has the same time to come
// back as any other.
func (p *presence) lost(session, user string, away time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := session + "/" + user
	if p.closed || p.seats[key] != nil {
		return
	}
	s := &seat{away: cmp.Or(away, p.proxy.cfg.DisconnectTimeout)}
	p.seats[key] = s
	p.schedule(s, s.away, session, user)
}

func (p *presence) schedule(s *seat, after time.Duration, session, user string) {
	s.timer = time.AfterFunc(after, func() { p.expire(s, session, user) })
}

// expire removes the party from its session, unless it has come back here or at another proxy.
// The Chat Server knows whether it is another program's, and stays: a page elsewhere may have
// attached by the party's key since this one took the seat.
func (p *presence) expire(s *seat, session, user string) {
	key := session + "/" + user
	p.mu.Lock()
	if p.closed || p.seats[key] != s || s.sockets > 0 {
		p.mu.Unlock()
		return
	}
	delete(p.seats, key)
	p.mu.Unlock()
	p.proxy.flex.drop(key)
	ctx, cancel := context.WithTimeout(p.proxy.ctx, requestTimeout)
	defer cancel()
	elsewhere, err := p.free(ctx, session, user)
	if err == nil && p.returned(key) {
		// The seat that the party took on its return may just have been freed.
		err, elsewhere = p.proxy.cfg.Seats.Take(ctx, session, user, s.away), true
	}
	if err == nil && !elsewhere && !s.left {
		err = p.proxy.cfg.Chat.Leave(ctx, session, user, Departure{Reason: bridge.ReasonDisconnected, After: bridge.KeepAlive, ByProxy: true})
	}
	if code := bridge.CodeOf(err); err == nil || code == bridge.CodeNotJoined || code == bridge.CodeSessionEnded {
		return // or another proxy was faster
	}
	p.proxy.cfg.Log.Warn("a party could not be removed after its last socket was gone", "session", session, "user", user, "error", err)
	if !s.left {
		p.lost(session, user, s.away) // to be retried
	}
}

// returned reports whether a socket has come while the seat was being freed.
func (p *presence) returned(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proxy.cfg.Seats != nil && p.seats[key] != nil
}

func (p *presence) free(ctx context.Context, session, user string) (elsewhere bool, err error) {
	if p.proxy.cfg.Seats == nil {
		return false, nil
	}
	return p.proxy.cfg.Seats.Free(ctx, session, user)
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

// seat is the key of a party in a session. A user id may have a slash, a session id may
// not: everything before the first slash is the session.
func (who Identity) seat() string { return who.Session + "/" + who.Party.UserID }
