package deliver

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// janitor sweeps at the start and then every Sweep. Several janitors at once do no harm:
// each change is a compare-and-set.
func (l *Loop) janitor() {
	for {
		if err := l.sweep(l.taking); err != nil && l.taking.Err() == nil {
			l.cfg.Log.Warn("sweeping the uploads' records failed", "error", err)
		}
		if engine.Pause(l.taking, l.cfg.Sweep) != nil {
			return
		}
	}
}

func (l *Loop) sweep(ctx context.Context) error {
	audited, err := l.auditedUpTo(ctx)
	if err != nil {
		return err
	}
	return l.cfg.Records.each(ctx, func(r proxy.Record, written time.Time) error {
		if r.State.Final() && r.Revision > audited {
			return ctx.Err()
		}
		err := l.tidy(ctx, r, time.Since(written))
		if err != nil && !errors.Is(err, proxy.ErrRecordChanged) {
			l.cfg.Log.Warn("sweeping an upload's record failed", "session", r.Session, "key", r.Key, "error", err)
		}
		return ctx.Err()
	})
}

// tidy fails an upload that has been idle for too long, and deletes the record of one
// that ended long ago. Accepted uploads belong to the queue.
func (l *Loop) tidy(ctx context.Context, r proxy.Record, age time.Duration) error {
	if err := l.renew(ctx, r); err != nil {
		return err
	}
	switch {
	case r.State.Incoming():
		return l.giveUp(ctx, r, age)
	case r.State == bridge.Announced && age > l.cfg.KeepAnnounced:
		return l.cfg.Records.remove(ctx, r)
	case r.State.Final() && r.State != bridge.Announced && age > l.cfg.Keep:
		return l.forget(ctx, r)
	}
	return nil
}

// renew renews a customer's reservation for as long as its upload needs it, because it
// expires otherwise.
func (l *Loop) renew(ctx context.Context, r proxy.Record) error {
	a, ok := l.cfg.Chat.(proxy.Allowances)
	if !ok || !r.Customer || r.State.Final() || time.Since(r.Created) < l.cfg.Sweep {
		return nil
	}
	err := a.Reserve(ctx, r.Session, r.UserID, r.Key, bridge.SafeName(r.Name, "").Text, r.Size)
	if permanent(err) {
		return nil // its notice is checked again
	}
	return err
}

// giveUp fails an upload whose page has not come back, or whose session has ended. The
// message of its final record cleans up. If the content of an idle upload cannot be read,
// that is retried for as long again.
func (l *Loop) giveUp(ctx context.Context, r proxy.Record, age time.Duration) error {
	switch {
	case age > l.cfg.Idle:
		whole, err := l.acceptWhole(ctx, r)
		if whole || err != nil && age < 2*l.cfg.Idle {
			return err
		}
		r.Code = bridge.CodeTimeout
	case l.present(ctx, r.Session, r.UserID) == bridge.CodeSessionEnded:
		r.Code = bridge.CodeSessionEnded
	default:
		return nil
	}
	r.State = bridge.Failed
	_, err := l.cfg.Records.Update(ctx, r)
	return err
}

// forget deletes a record after cleaning up once more.
func (l *Loop) forget(ctx context.Context, r proxy.Record) error {
	j := &job{Loop: l, record: r, log: l.cfg.Log.With("session", r.Session, "key", r.Key)}
	err := j.cleanUp(ctx)
	if err != nil {
		return err
	}
	return l.cfg.Records.remove(ctx, r)
}
