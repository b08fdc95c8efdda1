package deliver

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy"
)

const (
	// maxWaiting bounds how many uploads of a loop wait for the one before them: each
	// costs two goroutines and its lease. What is beyond is announced out of order.
	maxWaiting = 1024
	// maxPredecessors bounds how many uploads that came to nothing are passed over.
	maxPredecessors = 100
	// pollInterval is the time between two looks at the upload before. Its changes are
	// watched as well, but a cluster's may come late.
	pollInterval = time.Second
)

// awaitEarlier waits until the upload that is to be announced before this one is, or
// has come to nothing. It waits for the time Order at most, from when this upload came
// to its state, and without a worker: that upload may need one.
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

// waitIdle is awaitEarlier while it holds no worker.
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

// blocked reports whether an upload of the same party that is to be announced
// before this one still may be. One that came to nothing leaves its place to the one
// before it. An unknown one was refused, or ended long ago.
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
