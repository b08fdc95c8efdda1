package proxy

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"attache/bridge"
)

// upload is one upload whose bytes arrive here.
type upload struct {
	uploads *uploads
	id      string // of the session and the key
	owner   string // the user id
	size    int64
	open    bool      // size is an upper bound
	used    time.Time // guarded by the uploads' mutex

	closed sync.Once
	mu     sync.Mutex // held while the writer or the record is used
	record Record
	writer Writer
	ended  bool
}

// close closes the writer. Its pieces under way become durable all the same.
func (u *upload) close() { u.closed.Do(func() { u.writer.Close() }) }

// offset is where the next piece begins.
func (u *upload) offset() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.writer.Offset()
}

// resumePoint is where the next piece begins, and the digest of the bytes before it.
func (u *upload) resumePoint() (offset int64, digest string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if offset = u.writer.Offset(); offset > 0 {
		sum := u.writer.Sum()
		digest = hex.EncodeToString(sum[:])
	}
	return offset, digest
}

// append stores a piece. onDurable is called, from another goroutine, each time more
// bytes are durable, or with the error that ended the writing.
func (u *upload) append(ctx context.Context, offset int64, p []byte, onDurable func(int64, error)) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch end := offset + int64(len(p)); {
	case u.ended:
		return bridge.NewError(bridge.CodeUploadUnknown, "")
	case offset != u.writer.Offset():
		return bridge.NewError(bridge.CodeFrameOffset, "")
	case end > u.size:
		return bridge.NewError(bridge.CodeFrameLength, "")
	case u.scattered():
		return bridge.NewError(bridge.CodeFrame, "the file comes in too many small pieces")
	}
	if err := u.uploads.touch(ctx, u); err != nil {
		return err
	}
	if a, ok := u.uploads.transfers.cfg.Chat.(Activities); ok {
		a.Active(u.record.Session, u.record.UserID)
	}
	return u.writer.Append(ctx, p, func(n int64, err error) {
		onDurable(n, err)
		if err == nil && n == u.size && !u.open {
			u.finishSoon()
		}
	})
}

// appendFailed handles an error of append. If the pieces can never become the file,
// the upload fails; after an error of the store, or if another writer took over, this
// proxy opens the upload again from its record.
func (u *upload) appendFailed(ctx context.Context, err error) error {
	switch code := bridge.CodeOf(err); code {
	case "":
		u.uploads.forget(u)
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	case bridge.CodeFrameLength, bridge.CodeFrame:
		if failed := u.refuse(ctx, code); failed != nil {
			return failed
		}
	case bridge.CodeSuperseded, bridge.CodeStorageFull, bridge.CodeStorageUnavailable:
		u.uploads.forget(u)
	}
	return err
}

// The store writes each piece by itself, and reads it again by itself at each download.
// Even over the slowest link a piece is 4 KiB long, except the last of each connection.
const (
	leastChunk  = 2 << 10
	spareChunks = 1024
)

// scattered reports whether the upload is in more chunks than a page has a reason for.
func (u *upload) scattered() bool {
	w, ok := u.writer.(ChunkCounter)
	return ok && w.Chunks() > spareChunks+u.size/leastChunk
}

// touchEvery is how often the record of a slow upload is written, so that it does not
// count as abandoned.
const touchEvery = time.Minute

func (us *uploads) touch(ctx context.Context, u *upload) error {
	if time.Since(u.record.Changed) < touchEvery {
		return nil
	}
	u.record.State = bridge.Receiving
	return us.change(ctx, u)
}

// change writes the record; the caller holds the upload's mutex.
func (us *uploads) change(ctx context.Context, u *upload) error {
	u.record.Changed = time.Now()
	r, err := us.transfers.cfg.Records.Update(ctx, u.record)
	switch {
	case errors.Is(err, ErrRecordChanged), errors.Is(err, ErrRecordUnknown):
		u.ended = true
		us.forget(u)
		return bridge.WrapError(bridge.CodeSuperseded, err)
	case err != nil:
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	u.record = r
	return nil
}

// finishSoon runs finish outside the store's callback, which must not wait.
func (u *upload) finishSoon() {
	us := u.uploads
	us.spawn(func() {
		ctx, cancel := context.WithTimeout(us.ctx, requestTimeout)
		defer cancel()
		if err := u.finish(ctx); err != nil {
			us.transfers.cfg.Log.Warn("upload not accepted", "upload", u.id, "error", err)
		}
	})
}

// finish changes a complete upload to accepted: from then on it belongs to the delivery
// loop. A repeated finish finds the record changed and does nothing.
func (u *upload) finish(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended || u.open {
		return nil
	}
	return u.accept(ctx, u.record)
}

// accept writes r, the record of an upload that is whole; the caller holds the mutex.
func (u *upload) accept(ctx context.Context, r Record) error {
	r = r.Accept(u.writer.Sum())
	if r.State == bridge.Failed {
		return u.fail(ctx, r.Code)
	}
	u.record = r
	if err := u.uploads.change(ctx, u); err != nil {
		return err
	}
	u.ended = true
	u.uploads.forget(u)
	return nil
}

// finished is finish, and returns what an offer is answered with. The delivery loop, or
// another proxy, may have been faster.
func (u *upload) finished(ctx context.Context) (taken, error) {
	err := u.finish(ctx)
	u.mu.Lock()
	defer u.mu.Unlock()
	if bridge.CodeOf(err) == bridge.CodeSuperseded {
		newest, failed := u.uploads.transfers.cfg.Records.Get(ctx, u.record.Session, u.record.Key)
		if failed == nil && !newest.State.Incoming() {
			return taken{record: newest}, nil
		}
	}
	return taken{record: u.record}, err
}

func (u *upload) refuse(ctx context.Context, code bridge.Code) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return nil
	}
	return u.fail(ctx, code)
}

// fail ends the upload for good and removes its content. It writes the final record
// first: if the process dies before the rest, the delivery loop's janitor does it.
func (u *upload) fail(ctx context.Context, code bridge.Code) error {
	u.record.State, u.record.Code = bridge.Failed, code
	if err := u.uploads.change(ctx, u); err != nil {
		return err
	}
	u.ended = true
	u.uploads.forget(u)
	return u.uploads.transfers.drop(ctx, u.record)
}

// drop removes the content of an upload that has failed or was cancelled, and gives its
// reservation back.
func (t *Transfers) drop(ctx context.Context, r Record) error {
	discarded := t.cfg.Staging.Discard(ctx, r.DocumentID)
	if _, frees := t.cfg.Staging.(Freeing); frees && discarded == nil {
		// If it fails, the bytes count for a while after the release.
		t.correct(ctx, r, 0)
	}
	return errors.Join(discarded, t.release(ctx, r))
}
