package engine

import "context"

// Space is how many bytes may still be kept, and the number of them below which
// Room fails. Where a cluster sets no limit, free is bridge.NoLimit.
func (e *Engine) Space(ctx context.Context) (free, low int64, err error) {
	if e.embedded != nil {
		free, err = e.embedded.left()
		return free, 2 * e.embedded.room.reserve, err
	}
	info, err := e.askAccount(ctx)
	if err != nil {
		return 0, 0, err
	}
	free, low = space(info)
	return free, low, nil
}
