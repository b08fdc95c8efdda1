package proxy

import (
	"context"
	"errors"

	"attache/bridge"
)

// present asks the Chat Server whether the party is in its session, before its data
// socket may send: codes not-joined and session-ended. A Chat Server that owns no
// allowances cannot be asked; there attend alone finds out.
func (p *Proxy) present(ctx context.Context, who Identity) error {
	a, ok := p.Chat.(Allowances)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	_, err := a.Limits(ctx, who.Session, who.Party.UserID)
	return err
}

// attend ends a data socket when its party leaves the session, or the session ends,
// at whichever proxy that happens: a token alone gives no right to store bytes. It
// returns when ctx ends.
func (d *data) attend(ctx context.Context, cancel context.CancelFunc) {
	err := d.proxy.Chat.Events(ctx, d.who.Session, d.who.Party.UserID, bridge.MaxInteger, func(bridge.Event) error { return nil })
	if ctx.Err() != nil {
		return
	}
	// The closing handshake takes as long as the page makes it take.
	d.over.Store(true)
	var told *bridge.Error
	if errors.As(err, &told) {
		d.fail(context.WithoutCancel(ctx), told)
	}
	cancel()
}
