package proxy

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
)

// cancel takes an upload back. One that is being delivered may be announced
// first; then there is nothing to take back, and that is not an error: the page is
// told the state it is in.
func (p *Proxy) cancel(ctx context.Context, who Identity, key string) error {
	record, err := p.takeBack(ctx, who, key)
	if err != nil || record.State != bridge.Cancelled {
		return err
	}
	return p.drop(ctx, record)
}

// takeBack lets no byte come between the record's end and the content's.
func (p *Proxy) takeBack(ctx context.Context, who Identity, key string) (Record, error) {
	if u := p.uploads.opened(uploadID(who.Session, key)); u != nil && u.owner == who.Party.UserID {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.ended = true
		defer p.uploads.forget(u)
	}
	return p.cancelRecord(ctx, who, key)
}

// cancelRecord goes by what the record is now: the upload may have gone on at
// another proxy since it was opened here.
func (p *Proxy) cancelRecord(ctx context.Context, who Identity, key string) (Record, error) {
	for range casTries {
		record, err := p.cfg.Records.Get(ctx, who.Session, key)
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
		switch _, err = p.cfg.Records.Update(ctx, record); {
		case err == nil:
			return record, nil
		case !errors.Is(err, ErrRecordChanged):
			return record, bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
	}
	return Record{}, bridge.NewError(bridge.CodeBusy, "")
}

// casTries bounds how often a record that others change is read again.
const casTries = 8
