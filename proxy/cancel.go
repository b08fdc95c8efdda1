package proxy

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
)

// Cancel cancels an upload. An upload that is being delivered may be announced first, or may
// have ended; then nothing is cancelled, and that is not an error: the returned record says so.
func (t *Transfers) Cancel(ctx context.Context, who Identity, key string) (Record, error) {
	record, err := t.takeBack(ctx, who, key)
	if err != nil || record.State != bridge.Cancelled {
		return record, err
	}
	return record, t.drop(ctx, record)
}

// takeBack cancels the record, and lets no byte be stored from before that. An opening of the
// upload ends, and leaves nothing.
func (t *Transfers) takeBack(ctx context.Context, who Identity, key string) (Record, error) {
	if u := t.uploads.opened(uploadID(who.Session, key)); u != nil && u.owner == who.Party.UserID {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.ended = true
		defer t.uploads.forget(u)
	}
	record, err := t.cancelRecord(ctx, who, key)
	if err == nil && record.State == bridge.Cancelled {
		t.uploads.end(record)
	}
	return record, err
}

// end stops an opening of a cancelled upload, and closes the upload if it was opened
// meanwhile.
func (us *uploads) end(record Record) {
	us.mu.Lock()
	if o := us.openings[record.id()]; o != nil {
		o.stop()
	}
	u := us.open[record.id()]
	us.mu.Unlock()
	if u != nil {
		us.forget(u)
	}
}

// cancelRecord cancels the newest record: another proxy may have resumed the upload
// since it was opened here.
func (t *Transfers) cancelRecord(ctx context.Context, who Identity, key string) (Record, error) {
	for range casTries {
		record, err := t.cfg.Records.Get(ctx, who.Session, key)
		if errors.Is(err, ErrRecordUnknown) || err == nil && record.UserID != who.Party.UserID {
			return record, bridge.NewError(bridge.CodeUploadUnknown, "")
		}
		if err != nil {
			return record, bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
		if !record.State.May(bridge.Cancelled) {
			return record, nil
		}
		record.State, record.Changed = bridge.Cancelled, time.Now()
		switch cancelled, err := t.cfg.Records.Update(ctx, record); {
		case err == nil:
			return cancelled, nil
		case !errors.Is(err, ErrRecordChanged):
			return record, bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
	}
	return Record{}, bridge.NewError(bridge.CodeBusy, "")
}

// casTries bounds how often a record is read again because it was changed meanwhile.
const casTries = 8
