package proxy

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
)

// cancel takes an upload back. One that is being delivered may be announced
// first; then there is nothing to take back, and that is no error: the page is
// told the state it is in.
func (p *Proxy) cancel(ctx context.Context, who Identity, key string) error {
	p.uploads.mu.Lock()
	u := p.uploads.open[uploadID(who.Session, key)]
	p.uploads.mu.Unlock()
	if u != nil && u.owner == who.Party.UserID {
		return u.cancel(ctx)
	}
	for range casTries {
		record, err := p.Records.Get(ctx, who.Session, key)
		if errors.Is(err, ErrRecordUnknown) || err == nil && record.UserID != who.Party.UserID {
			return bridge.NewError(bridge.CodeUploadUnknown, "")
		}
		if err != nil {
			return bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
		if !record.State.May(bridge.Cancelled) {
			return nil
		}
		record.State, record.Changed = bridge.Cancelled, time.Now()
		switch _, err = p.Records.Update(ctx, record); {
		case err == nil:
			return p.drop(ctx, record)
		case !errors.Is(err, ErrRecordChanged):
			return bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
	}
	return bridge.NewError(bridge.CodeBusy, "")
}

// casTries bounds how often a record that others change is read again.
const casTries = 8
