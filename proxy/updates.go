package proxy

import (
	"context"
	"time"

	"attache/bridge"
)

// sendEvents sends the transcript after the position that the page has, and then each
// event as it happens, until the Chat Server or the page ends it.
func (s *session) sendEvents(ctx context.Context) error {
	deliver := func(e bridge.Event) error {
		if !e.Transient() && e.ID <= s.joined {
			if err := s.rate.replay(ctx, weight(e)); err != nil {
				return err
			}
		}
		e, sees := s.view(e)
		if !sees {
			return nil
		}
		if err := s.send(ctx, &bridge.EventAdded{Event: e}); err != nil {
			return err
		}
		if e.ID > s.joined && (e.IsFile() || e.Deletes() != "" || e.Type == bridge.NewParty || e.Type == bridge.PartyLeft) {
			return s.sendLimits(ctx)
		}
		return nil
	}
	position := s.hello.Position
	if c, ok := s.proxy.cfg.Chat.(Informer); ok {
		return c.EventsAndInfo(ctx, s.who.Session, s.who.Party.UserID, position, deliver, func(info bridge.SessionChanged) error {
			return s.sendInfo(ctx, info)
		})
	}
	return s.proxy.cfg.Chat.Events(ctx, s.who.Session, s.who.Party.UserID, position, deliver)
}

// sendInfo sends what the page may know of the session, unless it was sent that already.
func (s *session) sendInfo(ctx context.Context, info bridge.SessionChanged) error {
	info = s.known(info)
	if info == s.informed {
		return nil
	}
	s.informed = info
	return s.send(ctx, &info)
}

// known is what this connection's ClientVersion knows of the session.
func (s *session) known(info bridge.SessionChanged) bridge.SessionChanged {
	version := s.who.Party.ClientVersion
	info.Monitored = info.Monitored && version >= bridge.VersionMonitored
	if version < bridge.VersionIdleControl {
		info.IdleExpires = 0
	}
	return info
}

// weight is about how many bytes an event of the transcript costs to send.
func weight(e bridge.Event) int { return len(e.Text) + 256*len(e.Data) }

// sendLimits sends a party its limits, after anything in the session that may change them.
func (s *session) sendLimits(ctx context.Context) error {
	t := s.proxy.transfers
	if !t.counted(s.who, t.cfg.AgentLimits()) {
		return nil
	}
	limits, err := s.askLimits(ctx)
	if err != nil {
		return nil // the party has left, or the Chat Server is unavailable: there is nothing to send
	}
	return s.send(ctx, &bridge.LimitsChanged{Limits: limits})
}

// askAgain is the pause after the Chat Server did not answer with changed limits, or with the
// notice of an upload.
const askAgain = time.Second

// sendChangedLimits sends limits that were changed from outside the session.
func (s *session) sendChangedLimits(ctx context.Context) error {
	limits, err := s.askLimits(ctx)
	switch {
	case err == nil:
		return s.send(ctx, &bridge.LimitsChanged{Limits: limits})
	case bridge.AsError(err).Retry && ctx.Err() == nil:
		time.AfterFunc(askAgain, s.noteLimits)
	}
	return nil
}

// askLimits asks for the limits that bind the party now.
func (s *session) askLimits(ctx context.Context) (bridge.Limits, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	limits, err := s.proxy.transfers.askLimits(ctx, s.who, s.lastLimits())
	if err == nil {
		s.setLimits(limits)
	}
	return limits, err
}

func (s *session) lastLimits() bridge.Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

func (s *session) setLimits(l bridge.Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = l
}

// noteLimits has sendUpdates send the limits. It never blocks.
func (s *session) noteLimits() {
	s.mu.Lock()
	s.relimit = true
	s.mu.Unlock()
	s.updates.run()
}

// limitsNoted reports whether the limits are to be sent, once.
func (s *session) limitsNoted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	noted := s.relimit
	s.relimit = false
	return noted
}

// note puts the record of an upload that has changed aside, if it is one of this party.
func (s *session) note(r Record) {
	if r.UserID != s.who.Party.UserID || r.Deletion != "" {
		return // the page gets the notice of a deletion
	}
	s.putAside(r)
}

// putAside keeps an upload's newest record for sendUpdates. It never blocks: if changes come
// faster than the page reads, the page is sent only the last.
func (s *session) putAside(r Record) {
	s.mu.Lock()
	// The record in the answer to an offer may be older than the one that waits here.
	if s.changed[r.Key].Revision <= r.Revision {
		s.changed[r.Key] = r
	}
	s.mu.Unlock()
	s.updates.run()
}

// sendUpdates sends the records that note has put aside, and changed limits.
func (s *session) sendUpdates(ctx context.Context) error {
	if s.limitsNoted() {
		if err := s.sendChangedLimits(ctx); err != nil {
			return err
		}
	}
	for _, r := range s.news() {
		if err := s.sendUpload(ctx, r); err != nil {
			return err
		}
	}
	return nil
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
		e, deleted, err := s.announcedFile(ctx, r)
		switch {
		case err == nil && deleted:
			// As failed, so that the page does not use the key again.
			m.State, m.Error = bridge.Failed, s.publicError(bridge.NewError(bridge.CodeFileUnknown, "the file was announced, and has been deleted"))
		case err == nil:
			m.Event = e
		case unclearOutcome(err):
			// The page waits for the event, so it is sent as soon as Chat Server can be asked.
			time.AfterFunc(askAgain, func() { s.putAside(r) })
			return nil
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

// announcedFile returns the notice of an announced upload as the party sees it, or that its file
// was deleted. It returns neither for a party that does not see the notice: a party whose
// ClientVersion knows no files does not, and its file is unknown to it without a deletion.
func (s *session) announcedFile(ctx context.Context, r Record) (e *bridge.Event, deleted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	file, err := s.proxy.cfg.Chat.File(ctx, s.who.Session, s.who.Party.UserID, r.FileID)
	if err == nil {
		return s.viewed(file), false, nil
	}
	if bridge.CodeOf(err) != bridge.CodeFileUnknown {
		return nil, false, err
	}
	notice, found, err := s.proxy.cfg.Chat.FindKey(ctx, s.who.Session, r.Key)
	if err != nil || !found {
		return nil, false, err
	}
	_, sees := s.view(notice)
	return nil, sees, nil
}
