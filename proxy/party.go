package proxy

import (
	"context"
	"sync"

	"attache/bridge"
)

// join adds a party to its session, or attaches it. The answer has the limits that bind it,
// and the party in the version that this connection knows, which may be lower than the
// one that its Chat Server reads events for.
func (p *Proxy) join(ctx context.Context, who Identity) (Joined, error) {
	j := who.Join
	j.Party, j.ByProxy = who.Party, true
	joined, err := p.cfg.Chat.Join(ctx, who.Session, j)
	if err != nil {
		return joined, err
	}
	if err := p.transfers.register(ctx, who, joined); err != nil {
		return joined, err
	}
	joined.Party.ClientVersion = min(joined.Party.ClientVersion, who.Party.ClientVersion)
	joined.Limits = p.transfers.Limits(who, joined.Limits)
	return joined, nil
}

// leave removes a party from its session at its own request. A party that may not chat
// may leave, but may not end the chat for all others.
func (p *Proxy) leave(ctx context.Context, who Identity, after bridge.AfterAction) error {
	if after != "" && after != bridge.KeepAlive {
		if err := who.Rights.Need(bridge.RightChat); err != nil {
			return err
		}
	}
	if who.attached {
		return Departure{After: after}.CheckAttached()
	}
	reason := bridge.ReasonLeft
	switch after {
	case bridge.CloseIfNoAgents:
		reason = bridge.ReasonCloseIfNoAgents
	case bridge.ForceClose:
		reason = bridge.ReasonForcedClose
	}
	return p.cfg.Chat.Leave(ctx, who.Session, who.Party.UserID, Departure{Reason: reason, After: after, ByProxy: true})
}

// enter counts the socket in, as long as exit has not been called: its party is taken out
// after its last socket. A party that attaches by its secure key is another program's, and is
// never taken out here.
func (s *session) enter(ctx context.Context) (exit func(left bool), err error) {
	s.who.attached = s.who.Join.SecureKey != ""
	if s.who.attached {
		return func(bool) {}, nil
	}
	if err := s.proxy.presence.enter(ctx, s.who); err != nil {
		return nil, err
	}
	var once sync.Once
	return func(left bool) { once.Do(func() { s.proxy.presence.exit(s.who, left) }) }, nil
}

// view returns e as the page may see it on this connection: its ClientVersion may be lower
// than that of another connection of the same party.
func (s *session) view(e bridge.Event) (bridge.Event, bool) { return s.who.Party.View(e) }

// viewed is view for an event that a message may lack.
func (s *session) viewed(e bridge.Event) *bridge.Event {
	if e, sees := s.view(e); sees {
		return &e
	}
	return nil
}
