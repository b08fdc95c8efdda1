package engine

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// ErrUnanswered reports that the store did not answer; the operation may have taken effect.
var ErrUnanswered = errors.New("the engine did not answer in time")

const retryPause = 50 * time.Millisecond

// RetryPolicy bounds the retries of an idempotent operation.
type RetryPolicy struct {
	// Total bounds all tries together. A cluster takes up to 10 s to elect a leader.
	Total time.Duration
	// PerTry bounds one try: a request is never answered if it reached a leader that
	// was shutting down, or if its connection broke.
	PerTry time.Duration
}

// Retry runs an idempotent operation until it succeeds, fails for good, or runs out of
// time, or until the embedded engine is known to fail writes. retried reports that an
// earlier try went unanswered and may still take effect.
func (e *Engine) Retry(ctx context.Context, p RetryPolicy, do func(ctx context.Context, retried bool) error) error {
	var writeErr error
	err := p.Do(ctx, func(err error) bool {
		if !e.Transient(err) {
			return false
		}
		writeErr = e.WriteErr()
		return writeErr == nil
	}, do)
	return cmp.Or(writeErr, err)
}

// Do is [Engine.Retry] for a caller that decides itself which errors are transient.
// When time runs out, the error joins ctx's error or [ErrUnanswered] with the last one.
func (p RetryPolicy) Do(ctx context.Context, transient func(error) bool, do func(ctx context.Context, retried bool) error) error {
	total, cancel := context.WithTimeout(ctx, p.Total)
	defer cancel()
	for retried := false; ; retried = true {
		try, cancel := context.WithTimeout(total, p.PerTry)
		err := do(try, retried)
		cancel()
		if err == nil || !transient(err) {
			return err
		}
		if Pause(total, retryPause) != nil {
			return errors.Join(cmp.Or(ctx.Err(), ErrUnanswered), err)
		}
	}
}

// Pause waits for d, or fails with ctx's error when ctx ends first.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
