package proxy

import (
	"context"
	"errors"

	"attache/bridge"
)

// Present asks the Chat Server whether the party is in its session. It returns nil if it
// is, otherwise code not-joined, session-ended or chat-unavailable.
func Present(ctx context.Context, c ChatServer, session, userID string) error {
	if a, ok := c.(Allowances); ok {
		_, err := a.Limits(ctx, session, userID)
		return err
	}
	_, err := c.File(ctx, session, userID, noFile)
	if bridge.CodeOf(err) == bridge.CodeFileUnknown {
		return nil
	}
	return err
}

// noFile is not the file-id of any file: those are random, or numbers.
const noFile = "none"

// present asks whether a party is in its session before it may send bytes.
func (t *Transfers) present(ctx context.Context, who Identity) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return Present(ctx, t.cfg.Chat, who.Session, who.Party.UserID)
}

// untilGone returns when the party leaves the session, or the session ends, at whichever
// proxy that happens, or when ctx ends: authentication alone gives no right to store
// bytes.
func (t *Transfers) untilGone(ctx context.Context, who Identity) error {
	return t.cfg.Chat.Events(ctx, who.Session, who.Party.UserID, bridge.MaxInteger, func(bridge.Event) error { return nil })
}

// watchParty ends a data socket when its party may send no more. It returns when ctx
// ends.
func (d *data) watchParty(ctx context.Context, cancel context.CancelFunc) {
	err := d.proxy.transfers.untilGone(ctx, d.who)
	if ctx.Err() != nil {
		return
	}
	// The closing handshake takes as long as the page makes it take.
	d.gone.Store(true)
	var reason *bridge.Error
	if errors.As(err, &reason) {
		d.fail(context.WithoutCancel(ctx), reason)
	}
	cancel()
}
