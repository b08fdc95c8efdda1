package deliver

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// attend looks at the uploads on their way every Look. The janitor goes round all
// records, and more seldom.
func (l *Loop) attend() {
	for wait(l.taking, l.Look) {
		for _, c := range l.Records.unfinished.quiet(l.Look, l.Keep) {
			if err := l.lookAt(l.taking, c); err != nil && l.taking.Err() == nil {
				l.Log.Warn("check an unfinished upload", "session", c.session, "key", c.key, "error", err)
			}
		}
	}
}

// lookAt gives an upload up whose party has been gone for Away, or whose session has
// ended, and removes the record of one that was given up once nothing is left of it:
// a page that comes back with the same file then begins anew.
func (l *Loop) lookAt(ctx context.Context, c candidate) error {
	var code bridge.Code
	if c.state.Incoming() {
		if code = l.abandoned(ctx, c); code == "" {
			return nil
		}
	}
	r, err := l.Records.Get(ctx, c.session, c.key)
	switch {
	case errors.Is(err, proxy.ErrRecordUnknown):
		l.Records.unfinished.forget(proxy.Record{Session: c.session, UserID: c.user, Key: c.key})
		return nil
	case err != nil:
		return err
	case r.Revision != c.revision:
		l.Records.unfinished.note(r)
		return nil
	case code == "":
		return l.clear(ctx, r)
	}
	r.State, r.Code = bridge.Failed, code
	if _, err = l.Records.Update(ctx, r); errors.Is(err, proxy.ErrRecordChanged) {
		return nil
	}
	return err
}

// abandoned is the code with which an upload on its way is to fail, if it is.
func (l *Loop) abandoned(ctx context.Context, c candidate) bridge.Code {
	ctx, cancel := context.WithTimeout(ctx, l.AnnounceTime)
	defer cancel()
	switch code := bridge.CodeOf(proxy.Present(ctx, l.Chat, c.session, c.user)); {
	case code == bridge.CodeSessionEnded:
		return code
	case code == bridge.CodeNotJoined && time.Since(c.seen) > l.Away:
		return bridge.CodeTimeout
	case code == "":
		l.Records.unfinished.here(c)
	}
	return ""
}

// clear removes a record whose final message has been worked on, cleaning and audit
// line included.
func (l *Loop) clear(ctx context.Context, r proxy.Record) error {
	info, err := l.look(ctx)
	if err != nil || r.Revision > info.AckFloor.Stream {
		return err
	}
	return l.Records.remove(ctx, r)
}

// renew has the Chat Server hold a customer's place for as long as its upload needs
// it: what it holds ends by itself otherwise.
func (l *Loop) renew(ctx context.Context, r proxy.Record) error {
	a, ok := l.Chat.(proxy.Allowances)
	if !ok || !r.Customer || r.State.Final() || time.Since(r.Created) < l.Sweep {
		return nil
	}
	err := a.Reserve(ctx, r.Session, r.UserID, r.Key, bridge.SafeName(r.Name, "").Text, r.Size)
	if permanent(err) {
		return nil // its notice is judged again
	}
	return err
}
