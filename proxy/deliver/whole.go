package deliver

import (
	"context"
	"errors"

	"attache/bridge"
	"attache/proxy"
)

// acceptWhole changes the record of an upload to accepted if all of its bytes are durable,
// and reports that it has ended: the proxy was killed, or could not write the record,
// between the last byte and the record, and the page may never come back to offer it again.
// If the sender declared another digest, the upload fails.
//
// Nobody can append to whole content. A page that comes back meanwhile accepts it too; the
// first of the two changes counts.
//
// Of an upload whose size was not known, nobody can tell whether the last byte came: what is
// there may be a part.
func (l *Loop) acceptWhole(ctx context.Context, r proxy.Record) (ended bool, err error) {
	if r.Open {
		return false, nil
	}
	size, sum, whole, err := l.cfg.Staging.Whole(ctx, r.DocumentID)
	if err != nil || !whole || size != r.Size {
		return false, err
	}
	crashPoint("whole")
	accepted, err := l.cfg.Records.Update(ctx, r.Accept(sum))
	if errors.Is(err, proxy.ErrRecordChanged) {
		return true, nil
	}
	if err == nil && accepted.State == bridge.Accepted {
		l.cfg.Log.Info("an upload was whole, but not accepted", "session", r.Session, "key", r.Key, "size", r.Size)
	}
	return err == nil, err
}
