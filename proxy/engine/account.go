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

// Only the cluster's meta leader reports the usage and limits of an account. While
// another one is elected, for up to 10 s, there are no reports, and the streams' own
// leaders still store messages. So nothing a page waits for depends on the meta leader.

// electionTime is how long a cluster may be silent about the account before it counts as
// not ready.
const electionTime = 15 * time.Second

// account is the cluster's last report of it.
type account struct {
	mu       sync.Mutex
	asked    time.Time
	answered time.Time
	free     int64 // bytes, or bridge.NoLimit
	low      int64 // below which no upload begins
}

// admitByAccount fails if by the last report less than 1/part of the low mark was free.
// It asks for a report at most once a second. An old report refuses nothing, because
// the store itself refuses a write to a full account.
func (e *Engine) admitByAccount(part int64) error {
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

// reachable fails while the store does not answer. A cluster is given the time to
// elect a leader.
func (e *Engine) reachable(ctx context.Context) error {
	wait := 10 * time.Second
	if e.answeredLately() {
		wait = 500 * time.Millisecond // a readiness probe itself times out soon
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if _, err := e.askAccount(ctx); err != nil && !e.answeredLately() {
		return err
	}
	if !e.conn.IsConnected() {
		return fmt.Errorf("ask the engine: %w", nats.ErrDisconnected)
	}
	return nil
}

func (e *Engine) answeredLately() bool {
	if e.embedded != nil {
		return false // the embedded engine always has a leader
	}
	a := &e.account
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fresh()
}

func (a *account) fresh() bool { return time.Since(a.answered) < electionTime }

func (e *Engine) askAccount(ctx context.Context) (*jetstream.AccountInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	info, err := e.js.AccountInfo(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the engine: %w", err)
	}
	free, low := accountSpace(info)
	a := &e.account
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answered, a.free, a.low = time.Now(), free, low
	return info, nil
}

// accountSpace is how many bytes an account may still store, and a twentieth of its
// limit, below which no upload begins. Without a limit free is bridge.NoLimit.
func accountSpace(info *jetstream.AccountInfo) (free, low int64) {
	limit := info.Limits.MaxStore
	if limit <= 0 {
		return bridge.NoLimit, 0
	}
	return max(limit-int64(info.Store), 0), limit / 20
}
