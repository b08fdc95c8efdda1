package backend

import (
	"context"
	"math/rand/v2"
	"time"

	"attache/bridge"
)

// backoff spaces retries: each pause is about twice as long as the one before, up to
// max, and of random length, so that the proxies of a backend that restarts do not all
// come back at once.
//
// It is not engine.Retry: that one's pauses are short and equal, because only this process
// is waiting for its own store. Besides, an adapter in Go that uses this package should not
// have to link JetStream.
type backoff struct{ first, max, next time.Duration }

// pause waits. It returns ctx's error if ctx ends first.
func (b *backoff) pause(ctx context.Context) error {
	delay := max(b.next, b.first)
	b.next = min(2*delay, b.max)
	select {
	case <-time.After(delay/2 + rand.N(delay)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *backoff) reset() { b.next = 0 }

// retry repeats an idempotent request while the backend is unavailable, for as long as
// ctx and RetryFor last.
func (c *Client) retry(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RetryFor)
	defer cancel()
	between := backoff{first: 50 * time.Millisecond, max: time.Second}
	for {
		err := do(ctx)
		if err == nil || !unavailable(err) || between.pause(ctx) != nil {
			return err
		}
	}
}

// unavailable reports whether the same request may succeed in a moment.
func unavailable(err error) bool {
	switch bridge.CodeOf(err) {
	case bridge.CodeChatUnavailable, bridge.CodeStorageUnavailable, bridge.CodeBusy:
		return true
	}
	return false
}
