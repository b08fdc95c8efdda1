package proxy

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"sync"
	"time"

	"attache/bridge"
)

// uploads are the uploads that this proxy has the right to write, or had: others
// may have gone on with one. It is a cache: an upload that is not here is opened
// from its record, wherever it began.
type uploads struct {
	proxy *Proxy

	mu      sync.Mutex
	open    map[string]*upload
	swept   time.Time
	running sync.WaitGroup // uploads being finished
	ctx     context.Context
	giveUp  context.CancelFunc
}

// upload is one upload whose bytes arrive here.
type upload struct {
	uploads *uploads
	id      string // of the session and the key
	owner   string // the user id
	size    int64
	used    time.Time // guarded by the uploads' mutex

	mu     sync.Mutex // held while the writer or the record is used
	record Record
	writer Writer
	ended  bool
}

func uploadID(session, key string) string { return session + "/" + key }

// get returns the party's upload, opening it where it is not open here: code
// upload-unknown, or the code it failed with.
func (us *uploads) get(ctx context.Context, who Identity, key string) (*upload, error) {
	u := us.opened(uploadID(who.Session, key))
	if u == nil {
		record, err := us.proxy.cfg.Records.Get(ctx, who.Session, key)
		if errors.Is(err, ErrRecordUnknown) {
			return nil, bridge.NewError(bridge.CodeUploadUnknown, "")
		}
		if err != nil {
			return nil, bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
		if record.UserID != who.Party.UserID {
			return nil, bridge.NewError(bridge.CodeUploadUnknown, "")
		}
		return us.resume(ctx, record)
	}
	if u.owner != who.Party.UserID {
		return nil, bridge.NewError(bridge.CodeUploadUnknown, "")
	}
	return u, nil
}

// resume takes the right to write the upload's content, from whoever had it.
func (us *uploads) resume(ctx context.Context, record Record) (*upload, error) {
	switch {
	case record.State == bridge.Failed:
		return nil, bridge.NewError(record.Code, "")
	case record.State == bridge.Cancelled:
		return nil, bridge.NewError(bridge.CodeCancelled, "")
	case !record.State.Incoming():
		return nil, bridge.NewError(bridge.CodeFrameLength, "the upload is complete already")
	}
	w, err := us.proxy.cfg.Staging.Begin(ctx, record.DocumentID)
	if err != nil {
		return nil, unstored(err)
	}
	return us.add(record, w), nil
}

func (us *uploads) add(record Record, w Writer) *upload {
	u := &upload{
		uploads: us, id: uploadID(record.Session, record.Key), owner: record.UserID, size: record.Size,
		record: record, writer: w,
	}
	us.mu.Lock()
	defer us.mu.Unlock()
	us.sweep()
	u.used = time.Now()
	us.open[u.id] = u
	return u
}

// opened is the upload if it is open here; nil if not.
func (us *uploads) opened(id string) *upload {
	us.mu.Lock()
	defer us.mu.Unlock()
	u := us.open[id]
	if u != nil {
		u.used = time.Now()
	}
	return u
}

// idleTime is how long an upload is kept open that nobody sends: its page is gone,
// or goes on with it at another proxy.
const idleTime = 10 * time.Minute

// sweep forgets the idle ones, if it has not just done so: it looks at all.
func (us *uploads) sweep() {
	if time.Since(us.swept) < idleTime {
		return
	}
	us.swept = time.Now()
	maps.DeleteFunc(us.open, func(_ string, u *upload) bool { return time.Since(u.used) > idleTime })
}

func (us *uploads) forget(u *upload) {
	us.mu.Lock()
	defer us.mu.Unlock()
	if us.open[u.id] == u {
		delete(us.open, u.id)
	}
}

// reopen is resume for an offer that repeats: frames still under way on an old
// connection are fenced off, and the offset is what is durable.
func (us *uploads) reopen(ctx context.Context, record Record) (*upload, error) {
	if old := us.opened(uploadID(record.Session, record.Key)); old != nil {
		us.forget(old)
	}
	return us.resume(ctx, record)
}

func (us *uploads) wait() {
	late := time.AfterFunc(lastTime, us.giveUp)
	defer late.Stop()
	us.running.Wait()
}

// lastTime is what uploads that are being finished have when the proxy goes. One
// that is not accepted by then is, once its page offers it again.
const lastTime = time.Second

// offset is where the next frame begins.
func (u *upload) offset() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.writer.Offset()
}

// place is where the next frame begins, and the digest of what lies before it:
// a page that has lost its memory compares its file with that.
func (u *upload) place() (offset int64, digest string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if offset = u.writer.Offset(); offset > 0 {
		sum := u.writer.Sum()
		digest = hex.EncodeToString(sum[:])
	}
	return offset, digest
}

// append stores a frame's payload. stored is called, from another goroutine,
// each time more bytes are durable; the error is what ended the upload.
func (u *upload) append(ctx context.Context, f bridge.Frame, payload []byte, stored func(int64, error)) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	end := f.Offset + int64(len(payload))
	switch {
	case u.ended:
		return bridge.NewError(bridge.CodeUploadUnknown, "")
	case f.Offset != u.writer.Offset():
		return bridge.NewError(bridge.CodeFrameOffset, "")
	case end > u.size:
		return bridge.NewError(bridge.CodeFrameLength, "")
	case u.scattered():
		return bridge.NewError(bridge.CodeFrame, "the file comes in too many small pieces")
	}
	if err := u.uploads.touch(ctx, u); err != nil {
		return err
	}
	return u.writer.Append(ctx, payload, func(n int64, err error) {
		stored(n, err)
		if err == nil && n == u.size {
			u.finishSoon()
		}
	})
}

// Every chunk is stored, and read again at each download, by itself. Even the
// slowest link's are 4 KiB long, except the last of each connection.
const (
	leastChunk  = 2 << 10
	spareChunks = 1024
)

// scattered tells whether the upload lies in more chunks than a page has a reason for.
func (u *upload) scattered() bool {
	w, ok := u.writer.(ChunkCounter)
	return ok && w.Chunks() > spareChunks+u.size/leastChunk
}

// touchEvery keeps a slow upload's record younger than what counts as left alone.
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
	r, err := us.proxy.cfg.Records.Update(ctx, u.record)
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

// finishSoon runs finish apart from the engine's callback, which must not wait.
func (u *upload) finishSoon() {
	us := u.uploads
	us.running.Go(func() {
		ctx, cancel := context.WithTimeout(us.ctx, requestTime)
		defer cancel()
		if err := u.finish(ctx); err != nil {
			us.proxy.cfg.Log.Warn("upload not accepted", "upload", u.id, "error", err)
		}
	})
}

// finish turns a complete upload to accepted: from here on it is the delivery
// loop's. A repeated finish finds the record changed and does nothing.
func (u *upload) finish(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return nil
	}
	sum := u.writer.Sum()
	digest := hex.EncodeToString(sum[:])
	if u.record.Digest != "" && u.record.Digest != digest {
		return u.fail(ctx, bridge.CodeDigest)
	}
	u.record.Digest, u.record.Accepted = digest, time.Now()
	u.record.State = bridge.Accepted
	if err := u.uploads.change(ctx, u); err != nil {
		return err
	}
	u.ended = true
	u.uploads.forget(u)
	return nil
}

// finished is finish, and what the answer to an offer needs.
func (u *upload) finished(ctx context.Context) (Record, *upload, error) {
	err := u.finish(ctx)
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.record, nil, err
}

func (u *upload) refuse(ctx context.Context, code bridge.Code) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return nil
	}
	return u.fail(ctx, code)
}

// fail ends the upload for good and removes what was stored. It writes the final
// record first: should the rest not happen, the janitor of the delivery loop does
// it again.
func (u *upload) fail(ctx context.Context, code bridge.Code) error {
	u.record.State, u.record.Code = bridge.Failed, code
	if err := u.uploads.change(ctx, u); err != nil {
		return err
	}
	u.ended = true
	u.uploads.forget(u)
	return u.uploads.proxy.drop(ctx, u.record)
}

// drop removes what an upload that came to nothing has left behind.
func (p *Proxy) drop(ctx context.Context, r Record) error {
	err := p.cfg.Staging.Discard(ctx, r.DocumentID)
	if a, ok := p.cfg.Chat.(Allowances); ok && r.Customer {
		err = errors.Join(err, a.Release(ctx, r.Session, r.UserID, r.Key))
	}
	return err
}
