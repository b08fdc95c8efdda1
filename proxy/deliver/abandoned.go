package deliver

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// checkUnfinished checks the unfinished uploads every Look. The janitor goes round
// all records, less often.
func (l *Loop) checkUnfinished() {
	for wait(l.taking, l.Look) {
		for _, c := range l.Records.unfinished.candidates(l.Look, l.Keep) {
			if err := l.check(l.taking, c); err != nil && l.taking.Err() == nil {
				l.Log.Warn("check an unfinished upload", "session", c.session, "key", c.key, "error", err)
			}
		}
	}
}

// check gives an upload up whose party has been gone for Away, or whose session has
// ended. Once nothing is left of one that was given up it removes the record, so that a
// page that comes back with the same file begins anew.
func (l *Loop) check(ctx context.Context, c candidate) error {
	var code bridge.Code
	if c.state.Incoming() {
		if code = l.abandoned(ctx, c); code == "" {
			return nil
		}
	}
	r, err := l.Records.Get(ctx, c.session, c.key)
	switch {
	case errors.Is(err, proxy.ErrRecordUnknown):
		l.Records.unfinished.forget(c.seat, c.key)
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

// abandoned returns the code that an upload on its way is to fail with; "" if it is
// not abandoned.
func (l *Loop) abandoned(ctx context.Context, c candidate) bridge.Code {
	switch code := l.present(ctx, c.session, c.user); {
	case code == bridge.CodeSessionEnded:
		return code
	case code == bridge.CodeNotJoined && time.Since(c.seen) > l.Away:
		return bridge.CodeTimeout
	case code == "":
		l.Records.unfinished.here(c)
	}
	return ""
}

// present asks the Chat Server for a party: code not-joined, session-ended or
// chat-unavailable, and "" if it is in its session.
func (l *Loop) present(ctx context.Context, session, user string) bridge.Code {
	ctx, cancel := context.WithTimeout(ctx, l.AnnounceTime)
	defer cancel()
	return bridge.CodeOf(proxy.Present(ctx, l.Chat, session, user))
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
