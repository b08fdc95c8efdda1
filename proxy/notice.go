package proxy

import (
	"context"
	"time"

	"attache/bridge"
)

// say posts a party's message, and returns the event as stored. A page has no attributes.
func (p *Proxy) say(ctx context.Context, who Identity, m *bridge.Say, attributes bridge.Data) (bridge.Event, error) {
	if err := bridge.CheckSay(m, who.Party.UserType, who.Rights); err != nil {
		return bridge.Event{}, err
	}
	if _, err := bridge.ParseKey(m.Key); err != nil {
		return bridge.Event{}, err
	}
	if err := p.text.charge(who, len(m.Text)); err != nil {
		return bridge.Event{}, err
	}
	return p.cfg.Chat.Post(ctx, who.Session, who.Party.UserID, bridge.Event{
		Type: bridge.Message, Text: m.Text, Visibility: m.Visibility, Key: m.Key,
		Receiver: m.Receiver, MessageType: m.MessageType, TreatAs: m.TreatAs,
		Attributes: attributes,
	})
}

// notify does what a party asks for by a notice, within the rules of [bridge.CheckNotify],
// and returns the event as stored, or the answer to a question; nil if there is none, because
// the notice is transient or a party was removed.
//
// limits are the party's, as last known, and conn names its connection in the audit log.
func (p *Proxy) notify(ctx context.Context, who Identity, conn string, limits bridge.Limits, m *bridge.Notify) (*bridge.Event, error) {
	rule, err := bridge.CheckNotify(m, who.Party.UserType, who.Rights)
	if err != nil {
		return nil, err
	}
	if !rule.Transient && !rule.Answered {
		if _, err := bridge.ParseKey(m.Key); err != nil {
			return nil, err
		}
	}
	if err := p.text.charge(who, len(m.Text)+m.Data.Size()); err != nil {
		return nil, err
	}
	switch rule.Command {
	case bridge.RemoveParty:
		return nil, p.remove(ctx, who, m.Data)
	case bridge.FileUploaded:
		e, err := p.transfers.Attach(ctx, who, Attachment{
			Key: m.Key, Conn: conn, DocumentID: m.Data.Get(bridge.KeyDocumentID), Description: m.Data.Get(bridge.KeyDescription),
			Custom: m.Data.Without(bridge.KeyDocumentID, bridge.KeyDescription), Visibility: m.Visibility,
		})
		if err != nil {
			return nil, err
		}
		return &e, nil
	case bridge.FileDeleted:
		return event(p.transfers.Delete(ctx, who, m.Data.Get(bridge.KeyFileID), conn))
	case bridge.FileConfig:
		return event(p.fileConfig(ctx, who, limits))
	}
	e, err := p.cfg.Chat.Post(ctx, who.Session, who.Party.UserID, bridge.Event{
		Type: bridge.Notice, NoticeType: m.Notice, Text: m.Text, Data: m.Data,
		Visibility: m.Visibility, Receiver: m.Receiver, Key: m.Key,
	})
	if err != nil || e.Transient() {
		return nil, err
	}
	return &e, nil
}

func event(e bridge.Event, err error) (*bridge.Event, error) {
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// fileConfig answers file-client-cfg-get as Chat Server does, with the limits that bind the
// party at this proxy.
func (p *Proxy) fileConfig(ctx context.Context, who Identity, limits bridge.Limits) (bridge.Event, error) {
	d, err := p.transfers.FileConfig(ctx, who, limits)
	return bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileConfig,
		At: time.Now().UnixMilli(), From: who.Party, Visibility: bridge.All, Data: d,
	}, err
}

// remove takes another party out of the session. One that has left already is as good as
// removed: the page may have repeated its request.
func (p *Proxy) remove(ctx context.Context, who Identity, d bridge.Data) error {
	userID := d.Get(bridge.KeyUserID)
	if userID == who.Party.UserID {
		err := bridge.NewError(bridge.CodeForbidden, "a party does not remove itself, but leaves")
		err.Hint = "close the session"
		return err
	}
	return p.cfg.Chat.Leave(ctx, who.Session, userID, Departure{
		Reason: bridge.ReasonRemoved, After: bridge.AfterAction(d.Get(bridge.KeyAfterAction)), Asker: who.Party.UserID,
	})
}
