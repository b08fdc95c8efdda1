package engine

import (
	"context"
	"fmt"

	"attache/bridge"
)

// Space is how many bytes may still be kept, and the number of them below which
// Room fails. Where a cluster sets no limit, free is bridge.NoLimit.
func (e *Engine) Space(ctx context.Context) (free, low int64, err error) {
	if e.embedded != nil {
		free, err = e.embedded.left()
		return free, 2 * e.embedded.room.reserve, err
	}
	info, err := e.js.AccountInfo(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("ask the engine: %w", err)
	}
	limit := info.Limits.MaxStore
	if limit <= 0 {
		return bridge.NoLimit, 0, nil
	}
	return limit - int64(info.Store), limit / 20, nil
}
