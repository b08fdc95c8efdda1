package proxy

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
)

// detached returns a context for work that has to end once it was begun, although its caller
// has hung up.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
}

// reserve counts an upload against the party's allowance before it has a record. If it fails,
// nothing is reserved.
func (t *Transfers) reserve(ctx context.Context, r Record) error {
	a, ok := t.cfg.Chat.(Allowances)
	if !ok || !r.Customer {
		return nil
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	err := a.Reserve(ctx, r.Session, r.UserID, r.Key, bridge.SafeName(r.Name, "").Text, r.Size)
	switch bridge.CodeOf(err) {
	case bridge.CodeChatUnavailable, bridge.CodeTimeout:
	case "":
		if err == nil {
			return nil
		}
		err = bridge.WrapError(bridge.CodeChatUnavailable, err)
	default:
		return err // a refusal: nothing was reserved
	}
	t.releaseUnused(ctx, r, true)
	return err
}

// giveUp releases the reservation of an upload whose record could not be created, and reports
// whether there is none.
func (a *admission) giveUp(ctx context.Context) bool {
	return a.transfers.releaseUnused(ctx, a.record, false)
}

// releasePauses are the pauses between the tries of a release that has failed, or that may have
// come before its reservation.
var releasePauses = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}

// releaseUnused releases what an upload without a record may have reserved, and reports whether
// it has none. If the reservation's own outcome is unclear, it may be written only after the
// release: then the release is repeated for a while.
func (t *Transfers) releaseUnused(ctx context.Context, r Record, unclear bool) (absent bool) {
	absent, err := t.releaseAbsent(ctx, r)
	if err != nil || unclear {
		t.uploads.spawn(func() { t.releaseLater(r, unclear) })
	}
	return absent
}

func (t *Transfers) releaseLater(r Record, unclear bool) {
	var err error
	for _, pause := range releasePauses {
		select {
		case <-time.After(pause):
		case <-t.uploads.ctx.Done():
			return
		}
		if _, err = t.releaseAbsent(t.uploads.ctx, r); err == nil && !unclear {
			return
		}
	}
	if err != nil {
		t.cfg.Log.Warn("a reservation without an upload was not released; it expires", "upload", r.id(), "error", err)
	}
}

// releaseAbsent releases the reservation if the record does not exist. A record whose creation
// failed may exist nevertheless, and its upload may resume; then it needs its reservation.
func (t *Transfers) releaseAbsent(ctx context.Context, r Record) (absent bool, err error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	_, err = t.cfg.Records.Get(ctx, r.Session, r.Key)
	switch {
	case err == nil:
		return false, nil
	case !errors.Is(err, ErrRecordUnknown):
		return false, err
	}
	return true, t.release(ctx, r)
}

func (t *Transfers) release(ctx context.Context, r Record) error {
	if a, ok := t.cfg.Chat.(Allowances); ok && r.Customer {
		return a.Release(ctx, r.Session, r.UserID, r.Key)
	}
	return nil
}
