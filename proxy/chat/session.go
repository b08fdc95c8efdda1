package chat

import (
	"context"
	"crypto/rand"

	"attache/bridge"
	"attache/proxy"
)

// Join admits a party to the session, and creates the session if there is none. A party that
// is in already is re-attached without an event and stays as it was: its type must be
// the same (else code forbidden), and its visibility is the one it joined with. If it names
// a higher ClientVersion than before, events are read for that version from then on; each
// connection cuts them for its own, by [bridge.Party.View]. With another nickname the party
// is renamed, which the others see as a notice of type USER_UPDATE_NICK (PSDK enum
// NoticeType), and from then on in every event of that party; but a nickname that the party
// chose in the session, by posting that notice, stays.
//
// With a secure key, a party only attaches: it must be in (else code party-unknown or
// party-logged-out), and the key must be the one that its registration returned (else code
// secure-key-refused). It keeps the session's nickname. Our own Chat Server routes nothing,
// so it ignores queue key and subject. Further codes: session-invalid, session-ended,
// password-refused, and those of [proxy.Joining.Prepared].
func (s *Server) Join(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return proxy.Joined{}, err
	}
	defer leave()
	return s.join(ctx, r, j)
}

func (s *Server) join(ctx context.Context, r *room, j proxy.Joining) (proxy.Joined, error) {
	j, err := j.Prepared()
	if err != nil {
		return proxy.Joined{}, err
	}
	a := &admission{server: s, joining: j, key: rand.Text(), guess: passwordGuess{text: j.Password}}
	a.hashAhead(r)
	if _, err := s.change(ctx, r, a.entry); err != nil {
		return proxy.Joined{}, err
	}
	if a.wrongKey {
		return proxy.Joined{}, bridge.NewError(bridge.CodeSecureKey, "")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := r.fold.party(j.UserID)
	if err != nil {
		return proxy.Joined{}, err // it has left in the meantime
	}
	joined := proxy.Joined{
		Party: p, Limits: s.limits(&r.fold, p, "", s.now()), Position: r.fold.last,
		SecureKey: j.SecureKey, Attached: j.SecureKey != "" || j.ByProxy && r.fold.foreign[j.UserID], Started: r.fold.started, Monitored: s.monitored(&r.fold, j.Party),
		IdleExpires: s.idleExpires(&r.fold, j.Party),
	}
	if a.registered || a.rotated {
		joined.SecureKey = a.key
	}
	return joined, nil
}

// monitored reports whether the party learns that another one monitors the session.
func (s *Server) monitored(f *fold, p bridge.Party) bool {
	if p.ClientVersion < bridge.VersionMonitored || !f.monitored(p.UserID) {
		return false
	}
	switch s.cfg.MonitoredFor {
	case MonitoredForAll:
		return true
	case MonitoredForVip:
		return p.UserType.MaySee(bridge.Vip)
	}
	return p.UserType != bridge.Client
}

// Leave removes the party from the session, with a party-left event, and may end the session
// with it. CloseIfNoAgents ends it if no AGENT or SUPERVISOR that the party may see remains,
// apart from those that only monitor (VIP): otherwise a customer that left, and found the
// session still there, would know of a hidden one, or would be left with nobody else. Chat Server's own rule is
// not published. ForceClose ends it in any case; a CLIENT may not use it (code forbidden),
// because web clients' logout request (RequestLogout) has no AfterAction at all, and because
// it would end the chat for all others.
//
// An Asker that is another party removes the party. It must be in, see the party, and be of
// a type that [bridge.UserType.MayRemove] allows. A party that has left already needs no
// removal.
//
// A reason without a text gets that of its code. The session's end is part of that
// party-left: remaining parties get none of their own; their Events end with code
// session-ended.
func (s *Server) Leave(ctx context.Context, session, userID string, d proxy.Departure) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	return s.leave(ctx, r, userID, d)
}

func (s *Server) leave(ctx context.Context, r *room, userID string, d proxy.Departure) error {
	switch d.After {
	case "", bridge.KeepAlive, bridge.CloseIfNoAgents, bridge.ForceClose:
	default:
		return bridge.NewError(bridge.CodeMessage, "the action after leaving is none of keep-alive, close-if-no-agents, force-close")
	}
	if d.Asker == userID {
		d.Asker = ""
	}
	d.Text, d.Attributes = bridge.XMLText(d.Text), proxy.WithoutPasswords(d.Attributes.XMLText())
	if len(d.Text) > bridge.MaxText/2 {
		return bridge.NewError(bridge.CodeTextLength, "")
	}
	if d.Asker != "" && d.Reason == (bridge.Reason{}) {
		d.Reason = bridge.ReasonRemoved
	}
	d.Reason = s.reason(d.Reason)
	if err := d.Attributes.WithQuitReason(d.Reason).Check(); err != nil {
		return err
	}
	_, err := s.change(ctx, r, func(f *fold, now int64) (*logEntry, error) { return s.leaveEntry(f, userID, d, now) })
	return err
}

// reason returns r with the text that its code has here, unless it has one.
func (s *Server) reason(r bridge.Reason) bridge.Reason {
	if r.Text == "" && r.Code >= 0 && r.Code < int64(len(s.cfg.ReasonTexts)) {
		r.Text = s.cfg.ReasonTexts[r.Code]
	}
	r.Text = bridge.XMLText(r.Text)
	return r
}

func (s *Server) leaveEntry(f *fold, userID string, d proxy.Departure, now int64) (*logEntry, error) {
	p, err := s.member(f, userID, now)
	by := p
	if d.Asker != "" && bridge.CodeOf(err) != bridge.CodeSessionEnded {
		if by, err = f.party(d.Asker); err != nil {
			return nil, err
		}
		if done, err := f.mayRemove(by, userID); done || err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if d.ByProxy && f.foreign[userID] {
		return nil, d.CheckAttached()
	}
	if d.After == bridge.ForceClose && by.UserType == bridge.Client {
		return nil, bridge.NewError(bridge.CodeForbidden, "a customer may leave the chat, but not close it for everybody")
	}
	e := partyLeft(p, d)
	e.Over = d.After == bridge.ForceClose || d.After == bridge.CloseIfNoAgents && !f.agentFor(p, userID, s.cfg.VipIsAgent)
	return e, nil
}

// mayRemove checks whether the asker may remove the party of that user id. done says that the
// party has left already.
func (f *fold) mayRemove(asker bridge.Party, userID string) (done bool, err error) {
	p, in := f.present[userID]
	if !in {
		p = f.left[userID].party
	}
	switch {
	case p.UserID == "" || !asker.UserType.MaySee(p.Visibility):
		return false, bridge.NewError(bridge.CodeParty, "")
	case !asker.UserType.MayRemove(p.UserType):
		err := bridge.NewError(bridge.CodeForbidden, "a party of type "+string(asker.UserType)+" cannot remove one of type "+string(p.UserType))
		err.Hint = "ask a supervisor to remove it"
		return false, err
	}
	return !in, nil
}

func partyLeft(p bridge.Party, d proxy.Departure) *logEntry {
	return &logEntry{Kind: isEvent, Event: &event{bridge.Event{
		Type: bridge.PartyLeft, From: p, Visibility: p.Visibility, Reason: &d.Reason, Asker: d.Asker,
		Text: d.Text, Attributes: d.Attributes.WithQuitReason(d.Reason),
	}}}
}

// member returns the party of that user id, unless the session has ended.
func (s *Server) member(f *fold, userID string, now int64) (bridge.Party, error) {
	if f.ended(now, s.cfg.Retention) {
		return bridge.Party{}, bridge.NewError(bridge.CodeSessionEnded, "")
	}
	return f.party(userID)
}
