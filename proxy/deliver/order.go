package deliver

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy"
)

const (
	// maxWaiting bounds how many uploads of a loop wait for an earlier one: each costs two
	// goroutines and its lease. Any further ones are announced out of order.
	maxWaiting = 1024
	// maxPredecessors bounds how many failed or cancelled uploads are skipped.
	maxPredecessors = 100
	// pollInterval is how often the earlier upload is read. Its changes are watched as
	// well, but may come late from a cluster.
	pollInterval = time.Second
)

// awaitEarlier waits until the upload that is to be announced before this one is, or has
// failed or been cancelled. It waits for Order at most, from the time this upload reached
// its state, and without a worker: the earlier upload may need one.
func (j *job) awaitEarlier(ctx context.Context) error {
	if j.record.After == "" {
		return nil
	}
	left := min(j.cfg.Order-time.Since(j.written), j.cfg.Order)
	changed := make(chan struct{}, 1)
	unwatch := j.cfg.Records.Watch(j.record.Session, func(proxy.Record) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer unwatch()
	blocked, err := j.blocked(ctx)
	if !blocked || err != nil || left <= 0 {
		return err
	}
	select {
	case j.waiting <- struct{}{}:
	default:
		return nil
	}
	defer func() { <-j.waiting }()
	crashPoint("queued")
	<-j.slots
	defer func() { j.slots <- struct{}{} }()
	return j.waitIdle(ctx, changed, left)
}

// waitIdle is the part of awaitEarlier that runs without a worker.
func (j *job) waitIdle(ctx context.Context, changed <-chan struct{}, left time.Duration) error {
	late := time.NewTimer(left)
	defer late.Stop()
	peek := time.NewTicker(pollInterval)
	defer peek.Stop()
	for {
		select {
		case <-changed:
		case <-peek.C:
		case <-late.C:
			j.log.Info("announced although an earlier upload is still under way", "before", j.record.After)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-j.taking.Done():
			return &notYet{} // for another loop: this one is closing
		}
		if blocked, err := j.blocked(ctx); !blocked || err != nil {
			return err
		}
	}
}

// blocked reports whether the predecessor, the upload of the same party that is to be
// announced before this one, may still be announced. If the predecessor failed or was
// cancelled, its own predecessor counts. An unknown upload was refused, or ended long
// ago.
func (j *job) blocked(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, j.cfg.StoreTime)
	defer cancel()
	key := j.record.After
	for range maxPredecessors {
		if key == "" {
			return false, nil
		}
		r, err := j.cfg.Records.Get(ctx, j.record.Session, key)
		switch {
		case errors.Is(err, proxy.ErrRecordUnknown):
			return false, nil
		case err != nil:
			return false, err
		case r.UserID != j.record.UserID, r.State == bridge.Announced:
			return false, nil
		case !r.State.Final():
			return true, nil
		}
		key = r.After
	}
	return false, nil
}
