package upstream

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"attache/bridge"
	"attache/proxy/gms"
)

// absorb stores the events of an answer, each once, however many answers at however many proxies
// bring it. The answer must begin at or before the first event that is not stored, so that the
// stored events have no gap that is filled later.
func (c *Client) absorb(ctx context.Context, session string, ch chat, r gms.Reply) error {
	messages := slices.Clone(r.Messages)
	slices.SortStableFunc(messages, func(a, b gms.Message) int { return cmp.Compare(index(a), index(b)) })
	last, err := c.lastEvent(ctx, session)
	if err != nil {
		return err
	}
	left := false
	for _, m := range messages {
		e := ch.eventOf(m)
		switch {
		case m.Index == nil:
			c.passOn(session, ch, e)
			continue
		case e.ID <= last || e.ID > bridge.MaxInteger:
			continue
		}
		if ch, err = c.noteSelf(ctx, session, ch, m, &e); err != nil {
			return err
		}
		if err := c.append(ctx, session, ch.own(m), e); err != nil {
			return err
		}
		left = left || e.Type == bridge.PartyLeft && ch.own(m)
	}
	if r.ChatEnded || left {
		return c.end(ctx, session)
	}
	return nil
}

func index(m gms.Message) int64 {
	if m.Index == nil {
		return 0
	}
	return *m.Index
}

// noteSelf learns the customer's participantId: that of the first customer who joins, because
// the chat was requested for it.
func (c *Client) noteSelf(ctx context.Context, session string, ch chat, m gms.Message, e *bridge.Event) (chat, error) {
	if ch.Self != 0 || m.Type != gms.ParticipantJoined || m.From.Type != "Client" || m.From.ParticipantID == 0 {
		return ch, nil
	}
	self, started := m.From.ParticipantID, e.At
	err := c.change(ctx, session, func(now *chat) bool {
		if now.Self == 0 {
			now.Self, now.Started = self, started
		}
		ch.Self, ch.Started = now.Self, now.Started
		return now.Self == self && now.Started == started
	})
	*e = ch.eventOf(m)
	return ch, err
}

// append stores an event under its index, unless another proxy has.
func (c *Client) append(ctx context.Context, session string, own bool, e bridge.Event) error {
	if own {
		key, err := c.keyOf(ctx, session, e)
		if err != nil {
			return err
		}
		e.Key = key
	}
	if e.IsFile() {
		var err error
		if e, err = c.describe(ctx, session, e); err != nil {
			return err
		}
	}
	if id := e.Deletes(); id != "" {
		if err := c.markDeleted(ctx, session, id); err != nil {
			return err
		}
	}
	body := bridge.AppendEvent(nil, e)
	if _, err := bridge.ParseEvent(body); err != nil {
		c.cfg.Log.Error("an event of GMS cannot be shown and was skipped", "session", session, "index", e.ID, "error", err)
		return nil
	}
	_, err := c.writeBytes(ctx, eventSubject(session, e.ID), body, 0)
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}

// passOn sends what has no index, such as typing, to the pages that are there.
func (c *Client) passOn(session string, ch chat, e bridge.Event) {
	if e.IsFileConfig() || e.Text == bridge.FileConfig || e.From.UserID == ch.UserID || e.Type != bridge.Notice {
		return
	}
	body := bridge.AppendEvent(nil, e)
	if _, err := bridge.ParseEvent(body); err == nil {
		c.JS.Conn().Publish(livePrefix+session, body)
	}
}

// refresh reads what is new of the chat, and stores it.
func (c *Client) refresh(ctx context.Context, session string) error {
	ch, revision, err := c.load(ctx, session)
	if err != nil || revision == 0 || ch.State != open {
		return err
	}
	for {
		more, err := c.refreshOnce(ctx, session, ch)
		if !more || err != nil {
			return err
		}
	}
}

// refreshOnce reports whether the answer may have been a part of what is new.
func (c *Client) refreshOnce(ctx context.Context, session string, ch chat) (more bool, err error) {
	form, err := c.from(ctx, session)
	if err != nil {
		return false, err
	}
	r, err := c.call(ctx, session, ch, form, "refresh")
	if err == nil {
		err = c.absorb(ctx, session, ch, r)
		return len(r.Messages) >= partOfMany, err
	}
	if f := asFailure(err); f != nil && f.Over {
		return false, errors.Join(c.endUnlessRenewed(ctx, session, ch), err)
	}
	return false, err
}

// partOfMany is how many messages an answer has if there may be more: long answers come in parts.
const partOfMany = 50

// endUnlessRenewed ends a chat that GMS has refused for good, unless it was asked with a secure
// key that another proxy has replaced meanwhile.
func (c *Client) endUnlessRenewed(ctx context.Context, session string, ch chat) error {
	now, _, err := c.load(ctx, session)
	if err != nil || now.SecureKey != ch.SecureKey || now.Alias != ch.Alias {
		return err
	}
	return c.end(ctx, session)
}

// from is the form's transcriptPosition: the last event that is stored, so that it does not
// matter whether GMS begins at it or after it. 1 asks for everything.
func (c *Client) from(ctx context.Context, session string) (map[string][]string, error) {
	last, err := c.lastEvent(ctx, session)
	return map[string][]string{"transcriptPosition": {digits(max(last, 1))}}, err
}
