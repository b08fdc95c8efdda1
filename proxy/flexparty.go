package proxy

import (
	"context"
	"maps"
	"sync"
	"time"

	"attache/bridge"
)

// flexParty is what a proxy knows of a party that makes requests here, from its first one until
// it has been away for too long.
type flexParty struct {
	cancel context.CancelFunc

	mu        sync.Mutex
	over      bool // its events are no longer read
	followers int  // see Follow
	numbers   map[string]int64
	read      int64 // the last event that numbers is made of
	waiting   []waitingNotice
}

// waitingNotice is a transient notice that waits for the party's next request.
type waitingNotice struct {
	event bridge.Event
	until time.Time
}

// Bounds of the transient notices that wait for a party.
const (
	waitTime    = 30 * time.Second
	waitNotices = 32
)

// party returns what is known of the party here. From then on transient notices wait for it.
func (f *Flex) party(who Identity, joined Joined) *flexParty {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.parties[who.seat()]; p != nil && !p.ended() {
		return p
	}
	ctx, cancel := context.WithCancel(f.proxy.ctx)
	p := &flexParty{cancel: cancel, numbers: map[string]int64{}}
	f.parties[who.seat()] = p
	if f.closed {
		cancel()
		p.over = true
		return p
	}
	f.running.Go(func() {
		defer cancel()
		err := f.proxy.cfg.Chat.Events(ctx, who.Session, who.Party.UserID, joined.Position, func(e bridge.Event) error {
			if e.Transient() {
				p.wait(e)
			}
			return nil
		})
		p.mu.Lock()
		defer p.mu.Unlock()
		p.over = err != nil
	})
	return p
}

// drop forgets the party of a seat, when it has left or been away for too long.
func (f *Flex) drop(seat string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.parties[seat]; p != nil {
		p.cancel()
		delete(f.parties, seat)
	}
}

// close waits for everything that the proxy's end ends.
func (f *Flex) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.running.Wait()
}

func (p *flexParty) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over && p.followers == 0
}

func (p *flexParty) wait(e bridge.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, waitingNotice{e, time.Now().Add(waitTime)})
	if len(p.waiting) > waitNotices {
		p.waiting = append([]waitingNotice(nil), p.waiting[1:]...)
	}
}

// take returns the notices that wait, which then no longer do.
func (p *flexParty) take() (events []bridge.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.waiting {
		if time.Now().Before(w.until) {
			events = append(events, w.event)
		}
	}
	p.waiting = nil
	return events
}

// transients returns the transient notices for the party that no proxy has sent it. If that
// cannot be found out they are lost, because a late one is of no use.
func (f *Flex) transients(ctx context.Context, who Identity, p *flexParty) (events []bridge.Event) {
	waiting := p.take()
	seats := f.proxy.cfg.Seats
	if len(waiting) > 0 && seats != nil {
		waiting = f.claim(ctx, who, waiting)
	}
	for _, e := range waiting {
		if e, sees := f.view(ctx, who, e); sees {
			events = append(events, e)
		}
	}
	return events
}

func (f *Flex) claim(ctx context.Context, who Identity, waiting []bridge.Event) (events []bridge.Event) {
	keys := make([]string, len(waiting))
	for i, e := range waiting {
		keys[i] = e.Key
	}
	fresh, err := f.proxy.cfg.Seats.Claim(ctx, who.Session, who.Party.UserID, keys)
	if err != nil {
		f.proxy.cfg.Log.Debug("transient notices were lost", "session", who.Session, "error", err)
		return nil
	}
	left := map[string]bool{}
	for _, key := range fresh {
		left[key] = true
	}
	for _, e := range waiting {
		if e.Key == "" || left[e.Key] {
			events = append(events, e)
			left[e.Key] = false
		}
	}
	return events
}

// known is the last event that the numbers of the parties are made of.
func (p *flexParty) known() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read
}

// learn numbers the parties of the session in the order in which they first joined, and returns
// the numbers. They are the same at every proxy.
func (p *flexParty) learn(events []bridge.Event) map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range events {
		if e.ID <= p.read {
			continue
		}
		p.read = e.ID
		if _, known := p.numbers[e.From.UserID]; !known && e.Type == bridge.NewParty {
			p.numbers[e.From.UserID] = int64(len(p.numbers) + 1)
		}
	}
	return maps.Clone(p.numbers)
}

// number returns the number of a party that has joined; 0 if none has.
func (p *flexParty) number(userID string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.numbers[userID]
}
