package proxy

import (
	"context"
	"errors"
	"sync"

	"attache/bridge"
)

// Await waits until the party's upload has ended, and returns its final record:
// announced, failed with a code, or cancelled. When ctx ends first, the record is the
// newest one, with ctx's error. An upload that does not exist has code upload-unknown.
func (t *Transfers) Await(ctx context.Context, who Identity, key string) (Record, error) {
	news := recordNews{changed: make(chan struct{}, 1)}
	defer t.cfg.Records.Watch(who.Session, func(r Record) {
		if r.Key == key {
			news.note(r)
		}
	})()
	r, err := t.cfg.Records.Get(ctx, who.Session, key)
	if errors.Is(err, ErrRecordUnknown) || err == nil && r.UserID != who.Party.UserID {
		return Record{}, bridge.NewError(bridge.CodeUploadUnknown, "")
	}
	if err != nil {
		return Record{}, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	for news.note(r); ; {
		select {
		case <-news.changed:
		case <-ctx.Done():
			return news.last(), ctx.Err()
		}
		if r := news.last(); r.State.Final() {
			t.giveBack(ctx, r)
			return r, nil
		}
	}
}

// recordNews is the newest record of one upload. A change may arrive before the answer
// to an older question.
type recordNews struct {
	changed chan struct{}

	mu     sync.Mutex
	newest Record
}

func (n *recordNews) note(r Record) {
	n.mu.Lock()
	if n.newest.Revision <= r.Revision {
		n.newest = r
	}
	n.mu.Unlock()
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

func (n *recordNews) last() Record {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.newest
}

// giveBack gives back the reservation of an upload that has ended without a notice.
// The proxy or the loop that ended the upload gives it back as well, but maybe after
// the party has asked for the rest of its allowance.
func (t *Transfers) giveBack(ctx context.Context, r Record) {
	if r.State.Final() && r.State != bridge.Announced {
		t.release(ctx, r)
	}
}
