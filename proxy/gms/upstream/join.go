package upstream

import (
	"cmp"
	"context"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// Join requests a chat for the session's customer, or finds the one that was requested.
func (c *Client) Join(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
	j, err := j.Prepared()
	if err != nil {
		return proxy.Joined{}, err
	}
	if err := checkJoin(j); err != nil {
		return proxy.Joined{}, err
	}
	for {
		ch, revision, err := c.load(ctx, session)
		switch {
		case err != nil:
			return proxy.Joined{}, err
		case revision != 0 && ch.UserID != j.UserID:
			return proxy.Joined{}, bridge.NewError(bridge.CodeForbidden, "a chat of GMS has one customer, and this one is another's")
		case ch.State == open:
			return c.joined(ctx, session, j, ch)
		case ch.State == ended:
			return proxy.Joined{}, bridge.NewError(bridge.CodeSessionEnded, "")
		case ch.State == requesting && time.Since(ch.Changed) < c.cfg.RequestTime+c.cfg.Lease:
			if engine.Pause(ctx, retryPause/10) != nil {
				return proxy.Joined{}, bridge.NewError(bridge.CodeTimeout, "")
			}
			continue // another connection of the customer asks GMS
		}
		if err := c.request(ctx, session, j, revision); err != nil && !errors.Is(err, errOvertaken) {
			return proxy.Joined{}, withoutFailure(err)
		}
	}
}

func checkJoin(j proxy.Joining) error {
	switch {
	case j.UserType != bridge.Client:
		return bridge.NewError(bridge.CodeCustomersOnly, "") // no other token of an agent's would help, so it is final
	case j.SecureKey != "" || j.Password != "":
		return bridge.NewError(bridge.CodeForbidden, "behind a GMS no party attaches by a secure key, and no session has a password")
	}
	return nil
}

// request asks GMS for a chat. GMS has no key for that. So it is noted before, and only if the
// proxy dies before it has the answer, another one asks again: the first chat then has nobody
// who could use it, and GMS ends it after its flex-disconnect-timeout.
func (c *Client) request(ctx context.Context, session string, j proxy.Joining, revision uint64) error {
	ch := chat{State: requesting, Changed: time.Now(), UserID: j.UserID, Nickname: cmp.Or(j.Nickname, c.cfg.Unknowns.Nickname)}
	revision, err := c.save(ctx, session, ch, revision)
	if err != nil {
		return err
	}
	if _, err := c.JS.Publish(ctx, pollPrefix+session, nil); err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	asking, cancel := context.WithTimeout(ctx, c.cfg.RequestTime)
	defer cancel()
	r, err := c.post(asking, c.path(ch), c.opening(j, ch))
	// The chat exists now: the customer's page being gone must not lose it.
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		return errors.Join(err, c.remove(ctx, revision)) // the page asks again
	}
	if r.ChatID == "" || r.UserID == "" || r.SecureKey == "" {
		return bridge.WrapError(bridge.CodeChatUnavailable, errors.New("GMS answered a request for a chat without chatId, userId or secureKey"))
	}
	crashPoint("requested a chat")
	ch.State, ch.Changed, ch.Started = open, time.Now(), time.Now().UnixMilli()
	ch.ChatID, ch.GMSUser, ch.SecureKey, ch.Alias = r.ChatID, r.UserID, r.SecureKey, r.Alias
	if _, err := c.save(ctx, session, ch, revision); err != nil {
		return err
	}
	return c.absorb(ctx, session, ch, r)
}

// opening is the form that requests a chat.
func (c *Client) opening(j proxy.Joining, ch chat) map[string][]string {
	form := userData(j.UserData)
	form.Set("nickname", ch.Nickname)
	if j.Subject != "" {
		form.Set("subject", j.Subject)
	}
	if j.TimeZoneOffset != 0 {
		form.Set("userData[TimeZone]", digits(j.TimeZoneOffset))
	}
	return form
}

func (c *Client) joined(ctx context.Context, session string, j proxy.Joining, ch chat) (proxy.Joined, error) {
	if err := c.refresh(ctx, session); err != nil {
		return proxy.Joined{}, withoutFailure(err)
	}
	limits, err := c.Limits(ctx, session, j.UserID)
	if err != nil {
		return proxy.Joined{}, err
	}
	last, err := c.lastEvent(ctx, session)
	j.Party.Nickname = ch.Nickname
	return proxy.Joined{Party: j.Party, Limits: limits, Position: last, Started: ch.Started}, err
}

// isOver reports whether an error says that the chat is over.
func isOver(err error) bool { return bridge.CodeOf(err) == bridge.CodeSessionEnded }
