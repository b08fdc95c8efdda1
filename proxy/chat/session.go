package chat

import (
	"context"

	"attache/bridge"
	"attache/proxy"
)

// Join admits p to the session, and creates the session if there is none. A party that
// is in already is re-attached without an event and stays as it was: its type must be
// the same (else code forbidden), its visibility and ClientVersion are those it joined
// with. With another nickname it is renamed, which the others see as a notice of type
// USER_UPDATE_NICK (PSDK enum NoticeType), and from then on in every event of that
// party. Further codes: session-invalid, session-ended, and those of
// [bridge.Party.Check].
func (s *Server) Join(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error) {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return proxy.Joined{}, err
	}
	defer leave()
	return s.join(ctx, r, p)
}

func (s *Server) join(ctx context.Context, r *room, p bridge.Party) (proxy.Joined, error) {
	if err := p.Check(); err != nil {
		return proxy.Joined{}, err
	}
	_, err := s.change(ctx, r, func(f *fold, now int64) (*logEntry, error) {
		if f.ended(now, s.cfg.Retention) {
			return nil, bridge.NewError(bridge.CodeSessionEnded, "")
		}
		if in, ok := f.present[p.UserID]; ok {
			return attach(in, p)
		}
		if err := s.affordJoin(f, p); err != nil {
			return nil, err
		}
		return &logEntry{Kind: isEvent, ClientVersion: p.ClientVersion, Event: &event{bridge.Event{
			Type: bridge.NewParty, From: p, Visibility: p.Visibility,
		}}}, nil
	})
	if err != nil {
		return proxy.Joined{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, err = r.fold.party(p.UserID); err != nil {
		return proxy.Joined{}, err // it has left in the meantime
	}
	return proxy.Joined{Party: p, Limits: s.limits(&r.fold, p, "", s.now()), Position: r.fold.last}, nil
}

// attach returns the entry for a party that is in already: none, unless it has another
// nickname.
func attach(in, again bridge.Party) (*logEntry, error) {
	if in.UserType != again.UserType {
		return nil, bridge.NewError(bridge.CodeForbidden, "this user id is in the chat already, with another type")
	}
	if in.Nickname == again.Nickname {
		return nil, nil
	}
	in.Nickname = again.Nickname
	return &logEntry{Kind: isEvent, Event: &event{bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.UpdateNick, Text: again.Nickname, From: in, Visibility: in.Visibility,
	}}}, nil
}

// Leave removes the party, with a party-left event, and may end the session with it.
// CloseIfNoAgents ends it if no AGENT or SUPERVISOR that the party may see remains:
// otherwise a customer that left, and found the session still there, would know of a
// hidden one. Chat Server's own rule is not published. ForceClose ends it in any case;
// a CLIENT may not use it (code forbidden), because web clients' logout request
// (RequestLogout) has no AfterAction at all, and because it would end the chat for all
// others.
//
// The session's end is part of that party-left: remaining parties get none of their
// own; their Events end with code session-ended.
func (s *Server) Leave(ctx context.Context, session, userID string, reason bridge.Reason, after bridge.AfterAction) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	return s.leave(ctx, r, userID, reason, after)
}

func (s *Server) leave(ctx context.Context, r *room, userID string, reason bridge.Reason, after bridge.AfterAction) error {
	switch after {
	case "", bridge.KeepAlive, bridge.CloseIfNoAgents, bridge.ForceClose:
	default:
		return bridge.NewError(bridge.CodeMessage, "the action after leaving is none of keep-alive, close-if-no-agents, force-close")
	}
	reason.Text = bridge.XMLText(reason.Text)
	_, err := s.change(ctx, r, func(f *fold, now int64) (*logEntry, error) {
		p, err := s.member(f, userID, now)
		if err != nil {
			return nil, err
		}
		if after == bridge.ForceClose && p.UserType == bridge.Client {
			return nil, bridge.NewError(bridge.CodeForbidden, "a customer may leave the chat, but not close it for everybody")
		}
		e := &logEntry{Kind: isEvent, Event: &event{bridge.Event{
			Type: bridge.PartyLeft, From: p, Visibility: p.Visibility, Reason: &reason,
		}}}
		e.Over = after == bridge.ForceClose || after == bridge.CloseIfNoAgents && !f.agentFor(p, userID)
		return e, nil
	})
	return err
}

// member returns the party of that user id, unless the session has ended.
func (s *Server) member(f *fold, userID string, now int64) (bridge.Party, error) {
	if f.ended(now, s.cfg.Retention) {
		return bridge.Party{}, bridge.NewError(bridge.CodeSessionEnded, "")
	}
	return f.party(userID)
}
