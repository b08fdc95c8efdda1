package proxy

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
)

// opening takes the right to write content that continues. A store that has been restarted
// may have to read all of it again, which takes tens of seconds for a large file. So an
// opening runs beside the requests that wait for it, of which there may be any number, and
// it runs to its end when none waits any more: the next offer finds the store further.
//
// The openings of one party run one after the other: the store reads few files at a time,
// and a party with many must not keep the others out.
type opening struct {
	uploads *uploads
	record  Record
	acked   int64 // as in [Staging]
	since   time.Time
	ctx     context.Context // ends when the upload is cancelled, or the proxy closes
	stop    context.CancelFunc
	waiting int // requests; guarded by the uploads' mutex

	// The result, before done is closed: the newest record, and the upload if bytes are
	// expected.
	done   chan struct{}
	upload *upload
	err    error
}

// reopen joins the opening of that upload, or begins one. The caller then waits for it. An
// upload that is open here is closed first, so frames still in flight on an old connection
// are fenced off.
func (us *uploads) reopen(record Record, acked int64) *opening {
	us.mu.Lock()
	defer us.mu.Unlock()
	if o := us.openings[record.id()]; o != nil {
		o.waiting++
		return o
	}
	o := &opening{uploads: us, record: record, acked: acked, since: time.Now(), waiting: 1, done: make(chan struct{})}
	o.ctx, o.stop = context.WithCancel(us.ctx)
	us.openings[record.id()] = o
	queue, running := us.turns[record.seat()]
	us.turns[record.seat()] = append(queue, o)
	if !running {
		us.running.Go(func() { us.takeTurns(record.seat()) })
	}
	return o
}

// takeTurns runs the openings of a party until there are none.
func (us *uploads) takeTurns(seat string) {
	for {
		us.mu.Lock()
		queue := us.turns[seat]
		if len(queue) == 0 {
			delete(us.turns, seat)
			us.mu.Unlock()
			return
		}
		us.turns[seat] = queue[1:]
		unwanted := us.dropUnwanted(queue[0])
		us.mu.Unlock()
		if !unwanted {
			queue[0].run()
		}
	}
}

// dropUnwanted drops an opening that nobody waits for, and that has not begun; the caller
// holds the mutex.
func (us *uploads) dropUnwanted(o *opening) bool {
	if o.waiting > 0 {
		return false
	}
	delete(us.openings, o.record.id())
	o.stop()
	return true
}

// run begins the content and reads the record again. Whoever cancels the upload, at any
// proxy, first changes its record and then discards its content: so either the new record
// is seen here, or the content is discarded after it was begun.
func (o *opening) run() {
	defer o.stop()
	w, err := o.begin()
	ctx, cancel := context.WithTimeout(o.uploads.ctx, requestTimeout)
	defer cancel()
	newest, recordErr := o.uploads.transfers.cfg.Records.Get(ctx, o.record.Session, o.record.Key)
	switch {
	case errors.Is(recordErr, ErrRecordUnknown):
		newest, err = o.record, bridge.NewError(bridge.CodeUploadUnknown, "")
	case recordErr != nil:
		newest, err = o.record, bridge.WrapError(bridge.CodeStorageUnavailable, recordErr)
	case !newest.State.Incoming():
		err = nil
	}
	open := err == nil && newest.State.Incoming()
	if w != nil && !open {
		w.Close()
	}
	if gone := newest.State.Final() || errors.Is(recordErr, ErrRecordUnknown); gone {
		o.discard(ctx)
	}
	o.conclude(newest, w, open, err)
}

func (o *opening) begin() (Writer, error) {
	if err := o.ctx.Err(); err != nil {
		return nil, err
	}
	if old := o.uploads.opened(o.record.id()); old != nil {
		o.uploads.forget(old)
	}
	w, err := o.uploads.transfers.cfg.Staging.Begin(o.ctx, o.record.Document(), o.acked)
	if err != nil {
		return nil, unstored(err)
	}
	return w, nil
}

// discard removes what this opening has made of the content of an upload that has ended
// meanwhile. A document that was made of it stays.
func (o *opening) discard(ctx context.Context) {
	if err := o.uploads.transfers.cfg.Staging.Discard(ctx, o.record.DocumentID); err != nil {
		o.uploads.transfers.cfg.Log.Warn("the content of an upload that has ended was not removed", "upload", o.record.id(), "error", err)
	}
}

// conclude makes the result known. If nobody waits any more, the writer is closed: the next
// offer begins again, and the store has what it read.
func (o *opening) conclude(newest Record, w Writer, open bool, err error) {
	us := o.uploads
	us.mu.Lock()
	defer us.mu.Unlock()
	delete(us.openings, o.record.id())
	switch {
	case open && o.waiting > 0:
		o.upload = us.put(newest, w)
	case open:
		w.Close()
	}
	o.record, o.err = newest, err
	close(o.done)
}

// wait returns the newest record, and the upload if bytes are expected; ctx ends the wait,
// not the opening.
func (o *opening) wait(ctx context.Context) (Record, *upload, error) {
	select {
	case <-o.done:
		return o.record, o.upload, o.err
	case <-ctx.Done():
	}
	o.uploads.mu.Lock()
	defer o.uploads.mu.Unlock()
	o.waiting--
	return Record{}, nil, ctx.Err()
}

// pieceWait is how long a piece waits for an opening. Its buffer is of the memory that all
// share, and pieces of other uploads come after it on its socket; an offer has time.
const pieceWait = time.Second

// waitForPiece is wait for a piece of the file: code busy if that takes too long. The sender
// offers the upload again, and waits there.
func (o *opening) waitForPiece(ctx context.Context) (*upload, error) {
	bounded, cancel := context.WithDeadline(ctx, o.since.Add(pieceWait))
	defer cancel()
	record, u, err := o.wait(bounded)
	switch {
	case err != nil && bounded.Err() != nil && ctx.Err() == nil:
		return nil, bridge.NewError(bridge.CodeBusy, "what is stored of the file is being read again")
	case err != nil:
		return nil, err
	case u == nil:
		return nil, record.endError()
	}
	return u, nil
}
