package proxy

import (
	"context"

	"attache/bridge"
)

// join adds a party to its session. The answer has the limits that bind it.
func (p *Proxy) join(ctx context.Context, who Identity) (Joined, error) {
	joined, err := p.cfg.Chat.Join(ctx, who.Session, who.Party)
	if err != nil {
		return joined, err
	}
	joined.Limits = p.transfers.Limits(who, joined.Limits)
	return joined, nil
}

// say posts a party's message, and returns the event as stored.
func (p *Proxy) say(ctx context.Context, who Identity, m *bridge.Say) (bridge.Event, error) {
	if err := who.Rights.Need(bridge.RightChat); err != nil {
		return bridge.Event{}, err
	}
	if _, err := bridge.ParseKey(m.Key); err != nil {
		return bridge.Event{}, err
	}
	if err := p.text.charge(who, len(m.Text)); err != nil {
		return bridge.Event{}, err
	}
	e := bridge.Event{Type: bridge.Message, Text: m.Text, Visibility: m.Visibility, Key: m.Key}
	return p.cfg.Chat.Post(ctx, who.Session, who.Party.UserID, e)
}

// leave removes a party from its session at its own request. A party that may not chat
// may leave, but may not end the chat for all others.
func (p *Proxy) leave(ctx context.Context, who Identity, after bridge.AfterAction) error {
	if after != "" && after != bridge.KeepAlive {
		if err := who.Rights.Need(bridge.RightChat); err != nil {
			return err
		}
	}
	reason := bridge.ReasonLeft
	if after == bridge.ForceClose {
		reason = bridge.ReasonForcedClose
	}
	return p.cfg.Chat.Leave(ctx, who.Session, who.Party.UserID, reason, after)
}
