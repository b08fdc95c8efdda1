package upstream

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/gms"
)

func unmarshal(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return bridge.WrapError(bridge.CodeInternal, err)
	}
	return nil
}

func digits(n int64) string { return strconv.FormatInt(n, 10) }

// Post sends a message or a notice. A file is never announced so: see Deliver.
func (c *Client) Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
	ch, err := c.member(ctx, session, userID)
	if err != nil {
		return e, err
	}
	switch {
	case e.Receiver != "":
		return e, bridge.NewError(bridge.CodeForbidden, "a customer of GMS has no direct messages")
	case e.Visibility != "" && e.Visibility != bridge.All:
		return e, bridge.NewError(bridge.CodeForbidden, "all parties see what a customer of GMS sends")
	case e.IsFile():
		return e, bridge.NewError(bridge.CodeForbidden, "GMS announces files itself, when they are uploaded")
	}
	do := c.operation(session, e)
	if do == nil {
		return e, bridge.NewError(bridge.CodeForbidden, "GMS has no operation for this notice")
	}
	if rule, ok := bridge.RuleOf(e.NoticeType, e.Text); ok && rule.Transient && e.Type == bridge.Notice {
		_, err := do(ctx, ch)
		return bridge.Event{Type: e.Type, NoticeType: e.NoticeType, Text: e.Text, Visibility: bridge.All}, withoutFailure(err)
	}
	stored, err := c.once(ctx, session, intentOf(e), do)
	if err != nil {
		return e, withoutFailure(err)
	}
	if stored.ID == 0 { // GMS has done it and shows no event
		stored = e
		stored.ID = 0
	}
	return stored, nil
}

// withoutFailure returns the error that a page may see.
func withoutFailure(err error) error {
	if f := asFailure(err); f != nil {
		return f.reason
	}
	return err
}

// operation returns the request that sends e; nil if GMS has none.
func (c *Client) operation(session string, e bridge.Event) func(context.Context, chat) (gms.Reply, error) {
	make := func(form url.Values, operation ...string) func(context.Context, chat) (gms.Reply, error) {
		return func(ctx context.Context, ch chat) (gms.Reply, error) {
			return c.call(ctx, session, ch, form, operation...)
		}
	}
	if e.Type == bridge.Message {
		return c.sending(session, e)
	}
	switch e.NoticeType {
	case bridge.TypingStarted, bridge.TypingStopped:
		operation := map[string]string{bridge.TypingStarted: "startTyping", bridge.TypingStopped: "stopTyping"}[e.NoticeType]
		return make(present(url.Values{"message": {e.Text}}), operation)
	case bridge.UpdateNick:
		return make(url.Values{"nickname": {e.Text}}, "updateNickname")
	case bridge.PushURL:
		return make(url.Values{"pushUrl": {e.Text}}, "pushUrl")
	case bridge.UpdateUserData:
		return make(userData(e.Data), "updateData")
	case bridge.UserCustom:
		form := userData(e.Data)
		form.Set("message", e.Text)
		return make(form, "customNotice")
	case bridge.ReadReceipt:
		return make(url.Values{"transcriptPosition": {e.Data.Get(bridge.KeyPosition)}}, "readReceipt")
	case bridge.SystemCommand:
		if id := e.Deletes(); id != "" {
			return make(nil, "file", id, "delete")
		}
	}
	return nil
}

// sending sends a message. With transcriptPosition, its answer has the message (documented).
func (c *Client) sending(session string, e bridge.Event) func(context.Context, chat) (gms.Reply, error) {
	return func(ctx context.Context, ch chat) (gms.Reply, error) {
		form, err := c.from(ctx, session)
		if err != nil {
			return gms.Reply{}, err
		}
		form["message"] = []string{e.Text}
		if e.MessageType != "" {
			form["messageType"] = []string{e.MessageType}
		}
		return c.call(ctx, session, ch, form, "send")
	}
}

// present leaves out empty parameters.
func present(form url.Values) url.Values {
	for key := range form {
		if form.Get(key) == "" {
			form.Del(key)
		}
	}
	return form
}

// userData returns a collection as userData[key]. Lists have no form there.
func userData(d bridge.Data) url.Values {
	form := url.Values{}
	for _, item := range d {
		if item.Type != bridge.TypeList {
			form.Set("userData["+item.Key+"]", item.Text)
		}
	}
	return form
}

// Leave disconnects the customer, which ends its chat. GMS takes out no other party.
func (c *Client) Leave(ctx context.Context, session, userID string, d proxy.Departure) error {
	if d.Asker != "" && d.Asker != userID {
		return bridge.NewError(bridge.CodeForbidden, "a customer of GMS cannot take another party out of the chat")
	}
	ch, err := c.member(ctx, session, userID)
	if err != nil {
		return err
	}
	r, err := c.call(ctx, session, ch, nil, "disconnect")
	if f := asFailure(err); f != nil {
		if f.Over || f.reason.Code == bridge.CodeSessionEnded {
			return c.end(ctx, session)
		}
		return f.reason // asking again does no harm
	}
	if err != nil {
		return err
	}
	r.ChatEnded = true
	return c.absorb(ctx, session, ch, r)
}
