package deliver

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// checkUnfinished checks the unfinished uploads every CheckEvery. The janitor checks all
// records, less often.
func (l *Loop) checkUnfinished() {
	for engine.Pause(l.taking, l.cfg.CheckEvery) == nil {
		for _, c := range l.cfg.Records.unfinished.candidates(l.cfg.CheckEvery, l.cfg.Keep) {
			if err := l.check(l.taking, c); err != nil && l.taking.Err() == nil {
				l.cfg.Log.Warn("checking an unfinished upload failed", "session", c.session, "key", c.key, "error", err)
			}
		}
	}
}

// check accepts an upload that is whole, and fails one whose party has been gone for Away,
// whose session has ended, or whose request has ended without an end of the file. Once an abandoned upload is cleaned up, check removes its
// record, so that a page that comes back with the same file starts from the beginning.
func (l *Loop) check(ctx context.Context, c candidate) error {
	r, err := l.cfg.Records.Get(ctx, c.session, c.key)
	switch {
	case errors.Is(err, proxy.ErrRecordUnknown):
		l.cfg.Records.unfinished.forget(c.seat, c.key)
		return nil
	case err != nil:
		return err
	case r.Revision != c.revision:
		l.cfg.Records.unfinished.update(r)
		return nil
	case !r.State.Incoming():
		return l.clear(ctx, r)
	case !c.read:
		if whole, err := l.acceptWhole(ctx, r); whole || err != nil {
			return err
		}
		l.cfg.Records.unfinished.markRead(c)
	}
	code := l.abandoned(ctx, c)
	if code == "" {
		return nil
	}
	r.State, r.Code = bridge.Failed, code
	if _, err = l.cfg.Records.Update(ctx, r); errors.Is(err, proxy.ErrRecordChanged) {
		return nil
	}
	return err
}

// abandoned returns the code that an unfinished upload is to fail with; "" if it is not
// abandoned.
func (l *Loop) abandoned(ctx context.Context, c candidate) bridge.Code {
	if c.open && time.Since(c.heard) > l.cfg.Silence {
		return bridge.CodeTimeout
	}
	switch code := l.present(ctx, c.session, c.user); {
	case code == bridge.CodeSessionEnded:
		return code
	case code == bridge.CodeNotJoined && time.Since(c.seen) > l.cfg.Away:
		return bridge.CodeTimeout
	case code == "":
		l.cfg.Records.unfinished.markPresent(c)
	}
	return ""
}

// present asks the Chat Server whether a party is in its session: code not-joined,
// session-ended or chat-unavailable, and "" if it is in.
func (l *Loop) present(ctx context.Context, session, user string) bridge.Code {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.AnnounceTime)
	defer cancel()
	return bridge.CodeOf(proxy.Present(ctx, l.cfg.Chat, session, user))
}

// clear removes a record whose final message has been handled, including cleanup and
// audit line.
func (l *Loop) clear(ctx context.Context, r proxy.Record) error {
	info, err := l.consumerInfo(ctx)
	if err != nil || r.Revision > info.AckFloor.Stream {
		return err
	}
	return l.cfg.Records.remove(ctx, r)
}
