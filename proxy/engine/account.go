package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// Only the leader of the whole cluster tells what its account has and may have.
// While another one is elected, for up to 10 s, nobody does, and the streams'
// own leaders go on storing. So nothing that a page waits for waits for it.

// election is how long the cluster's silence about the account says nothing.
const election = 15 * time.Second

// account is what a cluster last said of it.
type account struct {
	mu       sync.Mutex
	asked    time.Time
	answered time.Time
	free     int64 // bytes, or bridge.NoLimit
	low      int64 // below which no upload begins
}

// accountAbove fails where the account had less left, a moment ago, than that
// part of what no upload begins below. It is asked at most once a second; what it
// said long ago refuses nobody, because a write to a full account is refused itself.
func (e *Engine) accountAbove(part int64) error {
	a := &e.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.asked) >= time.Second {
		a.asked = time.Now()
		go e.askAccount(e.life)
	}
	if a.free != bridge.NoLimit && a.free < a.low/part && a.fresh() {
		return bridge.NewError(bridge.CodeStorageFull, "")
	}
	return nil
}

// reachable fails while the store does not answer, or, of a cluster, has not for
// as long as it may take to elect a leader.
func (e *Engine) reachable(ctx context.Context) error {
	wait := 10 * time.Second
	if e.recent() {
		wait = 500 * time.Millisecond // a probe has little time itself
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if _, err := e.askAccount(ctx); err != nil && !e.recent() {
		return err
	}
	if !e.conn.IsConnected() {
		return fmt.Errorf("ask the engine: %w", nats.ErrDisconnected)
	}
	return nil
}

func (e *Engine) recent() bool {
	if e.embedded != nil {
		return false // alone there is always a leader
	}
	a := &e.account
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fresh()
}

func (a *account) fresh() bool { return time.Since(a.answered) < election }

func (e *Engine) askAccount(ctx context.Context) (*jetstream.AccountInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	info, err := e.js.AccountInfo(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the engine: %w", err)
	}
	free, low := space(info)
	a := &e.account
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answered, a.free, a.low = time.Now(), free, low
	return info, nil
}

// space is how many bytes an account may still keep, and the twentieth of its
// limit below which no upload begins. Without a limit free is bridge.NoLimit.
func space(info *jetstream.AccountInfo) (free, low int64) {
	limit := info.Limits.MaxStore
	if limit <= 0 {
		return bridge.NoLimit, 0
	}
	return max(limit-int64(info.Store), 0), limit / 20
}
