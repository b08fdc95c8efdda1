package proxy

import (
	"context"

	"attache/bridge"
)

// sendEvents sends the transcript after the position that the page has, and then each
// event as it happens, until the Chat Server or the page ends it.
func (s *session) sendEvents(ctx context.Context) error {
	position := s.hello.Position
	return s.proxy.cfg.Chat.Events(ctx, s.who.Session, s.who.Party.UserID, position, func(e bridge.Event) error {
		if e.ID <= s.joined {
			if err := s.rate.replay(ctx, weight(e)); err != nil {
				return err
			}
		}
		if err := s.send(ctx, &bridge.EventAdded{Event: e}); err != nil {
			return err
		}
		if e.ID > s.joined && (e.IsFile() || e.Type == bridge.NewParty || e.Type == bridge.PartyLeft) {
			return s.sendLimits(ctx)
		}
		return nil
	})
}

// weight is about how many bytes an event of the transcript costs to send.
func weight(e bridge.Event) int { return len(e.Text) + 256*len(e.Data) }

// sendLimits sends a customer its allowances, after anything that may change them.
func (s *session) sendLimits(ctx context.Context) error {
	a, ok := s.proxy.cfg.Chat.(Allowances)
	if !ok || !s.who.customer() {
		return nil
	}
	limits, err := a.Limits(ctx, s.who.Session, s.who.Party.UserID)
	if err != nil {
		return nil // the party has left, or the Chat Server is unavailable: there is nothing to send
	}
	return s.send(ctx, &bridge.LimitsChanged{Limits: s.proxy.transfers.Limits(s.who, limits)})
}

// note puts an upload's newest record aside for sendUploads. It never blocks: if
// changes come faster than the page reads, the page is sent only the last.
func (s *session) note(r Record) {
	if r.UserID != s.who.Party.UserID {
		return
	}
	s.mu.Lock()
	// The record in the answer to an offer may be older than the one that waits here.
	if s.changed[r.Key].Revision <= r.Revision {
		s.changed[r.Key] = r
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sendUploads sends the records that note has put aside.
func (s *session) sendUploads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		for _, r := range s.news() {
			if err := s.sendUpload(ctx, r); err != nil {
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

func (s *session) sendUpload(ctx context.Context, r Record) error {
	m := &bridge.Upload{Key: r.Key, State: r.State}
	switch r.State {
	case bridge.Failed:
		m.Error = s.publicError(bridge.NewError(r.Code, ""))
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
	s.proxy.transfers.giveBack(ctx, r)
	return s.sendLimits(ctx)
}
