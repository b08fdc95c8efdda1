package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// job handles one message: one record at one state.
type job struct {
	*Loop
	message jetstream.Msg
	record  proxy.Record
	try     int       // 1 is the first
	written time.Time // when the record came to this state, by the engine's clock
	log     *slog.Logger
	outage  <-chan struct{} // closed if the engine cannot write, or could not in this try

	overtaken atomic.Bool // the record has changed since: this work is obsolete
}

var errOvertaken = errors.New("the upload was changed by another writer meanwhile")

func (l *Loop) work(m jetstream.Msg, record proxy.Record) {
	meta, err := m.Metadata()
	if err != nil {
		return // it was parsed before
	}
	j := &job{
		Loop: l, message: m, record: record, try: int(meta.NumDelivered), written: meta.Timestamp,
		log: l.cfg.Log.With("session", record.Session, "key", record.Key), outage: l.cfg.Records.engine.WritesFailed(),
	}
	ctx, cancel := context.WithCancel(l.working)
	// The sender may cancel the upload, or another holder may be faster.
	unwatch := l.cfg.Records.Watch(record.Session, func(r proxy.Record) {
		if r.Key == record.Key && r.Revision > record.Revision {
			j.overtaken.Store(true)
			cancel()
		}
	})
	defer unwatch()
	l.running.Go(func() { j.hold(ctx) })
	defer cancel()
	j.settle(j.run(ctx))
}

// hold renews the lease until the work ends.
func (j *job) hold(ctx context.Context) {
	for engine.Pause(ctx, j.cfg.Lease/3) == nil {
		j.message.InProgress()
	}
}

// fresh reports whether no other loop can have held the message before. The delivery count
// alone does not show it: it may be lost with the engine's process, and restarts after a
// store was full.
func (j *job) fresh() bool {
	return j.try == 1 && j.record.Tries == 0 && j.written.After(j.started) && time.Since(j.written) < j.cfg.Lease
}

// run does the steps for the record's state. A panic fails one try of one upload, not the
// process.
func (j *job) run(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			j.log.Error("a delivery step panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if !j.record.State.Final() {
		return j.deliver(ctx)
	}
	if err := j.cleanUp(ctx); err != nil {
		return err
	}
	if deleting(j.record) {
		return j.delete(ctx)
	}
	return j.writeAudit()
}

// writeAudit writes the upload's end to the audit log. It comes last, because the cleanup
// may find that it ended otherwise; a redelivered message is written again.
func (j *job) writeAudit() error {
	if j.cfg.Audit == nil || j.overtaken.Load() {
		return nil
	}
	action := proxy.Action(j.record.State)
	if j.record.Deletion == proxy.Deleted {
		action = proxy.ActionDeleted
	}
	err := j.cfg.Audit.Write(j.record.AuditRecord(action))
	crashPoint("audited")
	return err
}

// settle acknowledges the message, or returns it to the queue.
func (j *job) settle(err error) {
	var later *notYet
	switch {
	case err == nil, errors.Is(err, errOvertaken), errors.Is(err, proxy.ErrRecordChanged), j.overtaken.Load():
		j.message.Ack()
	case j.working.Err() != nil:
		j.message.Nak()
	case errors.As(err, &later):
		j.message.NakWithDelay(later.delay)
	case j.record.State.Final():
		j.retryLater(err) // cleanup is retried without limit
	case bridge.CodeOf(err) == bridge.CodeStorageFull, j.inOutage():
		j.waitForDisk(err)
	case permanent(err), j.try >= j.cfg.Tries:
		j.fail(err)
	default:
		j.retryLater(err)
	}
}

func (j *job) inOutage() bool {
	select {
	case <-j.outage:
		return true
	default:
		return false
	}
}

// notYet is the result of a step that returns the message to the queue for a while;
// it is not a failure.
type notYet struct{ delay time.Duration }

func (l *notYet) Error() string { return "not yet" }

func (j *job) retryLater(err error) {
	delay := j.backOff(j.try)
	j.log.Warn("delivery delayed", "state", j.record.State, "try", j.try, "delay", delay, "error", err)
	j.message.NakWithDelay(delay)
}

// waitForDisk lets an upload wait until a full store has space again, or until an operator
// has mended the disk, however long that takes. The wait must not use up the upload's tries, so the record is written again: a new
// message counts them from 1.
func (j *job) waitForDisk(cause error) {
	if j.try <= max(1, j.cfg.Tries/2) {
		j.retryLater(cause)
		return
	}
	ctx, cancel := context.WithTimeout(j.working, j.cfg.StoreTime)
	defer cancel()
	r := j.record
	r.Tries += j.try
	_, err := j.cfg.Records.put(ctx, r) // put, not Update: nothing has changed that watchers should see
	if err != nil && !errors.Is(err, proxy.ErrRecordChanged) {
		j.retryLater(errors.Join(cause, err))
		return
	}
	j.message.Ack()
	j.log.Warn("delivery waits for the disk", "state", r.State, "tries", r.Tries, "error", cause)
}

// fail ends the upload for good. Its final record is the work item that cleans up.
func (j *job) fail(cause error) {
	ctx, cancel := context.WithTimeout(j.working, j.cfg.StoreTime)
	defer cancel()
	r := j.record
	r.State, r.Code, r.Tries = bridge.Failed, bridge.AsError(cause).Code, j.try
	_, err := j.cfg.Records.Update(ctx, r)
	if err != nil && !errors.Is(err, proxy.ErrRecordChanged) {
		j.retryLater(errors.Join(cause, err))
		return
	}
	j.message.Ack()
	if err == nil {
		j.log.Warn("upload failed", "user", r.UserID, "document", r.DocumentID, "size", r.Size, "digest", r.Digest,
			"verdict", r.Verdict, "code", r.Code, "tries", r.Tries, "error", cause)
	}
}
