package proxy

import (
	"context"

	"attache/bridge"
)

// tellEvents sends the transcript from the position the page has, and then what
// happens, until the chat server or the page ends it.
func (s *session) tellEvents(ctx context.Context) error {
	position := s.hello.Position
	return s.proxy.cfg.Chat.Events(ctx, s.who.Session, s.who.Party.UserID, position, func(e bridge.Event) error {
		if e.ID <= s.joined {
			if err := s.pace.replay(ctx, weight(e)); err != nil {
				return err
			}
		}
		if err := s.send(ctx, &bridge.Happened{Event: e}); err != nil {
			return err
		}
		if e.ID > s.joined && (e.IsFile() || e.Type == bridge.NewParty || e.Type == bridge.PartyLeft) {
			return s.tellLimits(ctx)
		}
		return nil
	})
}

// weight is about how many bytes an event of the transcript costs to send.
func weight(e bridge.Event) int { return len(e.Text) + 256*len(e.Data) }

// tellLimits sends a customer's allowances after anything that may change them.
func (s *session) tellLimits(ctx context.Context) error {
	a, ok := s.proxy.cfg.Chat.(Allowances)
	if !ok || !s.who.customer() {
		return nil
	}
	limits, err := a.Limits(ctx, s.who.Session, s.who.Party.UserID)
	if err != nil {
		return nil // the party has left, or the chat server is away: nothing to tell
	}
	return s.send(ctx, &bridge.Allowance{Limits: s.proxy.bound(limits)})
}

// note keeps an upload's newest record for the page. It never blocks: of several
// changes that the page is too slow for, it sees the last.
func (s *session) note(r Record) {
	if r.UserID != s.who.Party.UserID {
		return
	}
	s.mu.Lock()
	// An answer to an offer may have been read before the change that is kept.
	if s.changed[r.Key].Revision <= r.Revision {
		s.changed[r.Key] = r
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// tellUploads sends what note has kept.
func (s *session) tellUploads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		for _, r := range s.news() {
			if err := s.tellUpload(ctx, r); err != nil {
				return err
			}
		}
	}
}

func (s *session) news() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Record, 0, len(s.changed))
	for key, r := range s.changed {
		list = append(list, r)
		delete(s.changed, key)
	}
	return list
}

func (s *session) tellUpload(ctx context.Context, r Record) error {
	m := &bridge.Upload{Key: r.Key, State: r.State}
	switch r.State {
	case bridge.Failed:
		m.Error = s.judge(bridge.NewError(r.Code, ""))
	case bridge.Announced:
		e, err := s.proxy.cfg.Chat.File(ctx, s.who.Session, s.who.Party.UserID, r.FileID)
		if err == nil {
			m.Event = &e
		}
	}
	if err := s.send(ctx, m); err != nil {
		return err
	}
	if !r.State.Final() || r.State == bridge.Announced {
		return nil
	}
	// Whoever ended it releases the place as well, maybe later than this.
	if a, ok := s.proxy.cfg.Chat.(Allowances); ok && r.Customer {
		a.Release(ctx, r.Session, r.UserID, r.Key)
	}
	return s.tellLimits(ctx)
}
