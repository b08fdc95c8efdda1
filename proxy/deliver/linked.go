package deliver

import (
	"context"
	"time"

	"attache/bridge"
	"attache/proxy"
)

var _ proxy.Linked = (*Records)(nil).Linked

// Linked returns the ids of the content that a record still needs: of every upload that is
// on its way, and of every announced one, because its record vouches for its document, unless it was deleted. It
// reads all records.
func (r *Records) Linked(ctx context.Context) (map[string]bool, error) {
	ids := map[string]bool{}
	err := r.each(ctx, func(record proxy.Record, _ time.Time) error {
		if record.State == bridge.Announced && record.Deletion != proxy.Deleted || !record.State.Final() {
			ids[record.DocumentID] = true
			ids[staged(record)] = true
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}
