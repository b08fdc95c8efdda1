package proxy

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"attache/bridge"
)

// uploads are the uploads that this proxy had the right to write when it opened them:
// another proxy may have resumed one since. It is a cache: an upload that is not in
// it is opened from
// its record, wherever it began.
type uploads struct {
	transfers *Transfers

	mu      sync.Mutex
	open    map[string]*upload
	swept   time.Time
	running sync.WaitGroup // uploads being finished
	ctx     context.Context
	giveUp  context.CancelFunc
}

func uploadID(session, key string) string { return session + "/" + key }

// get returns the party's upload, and opens it if it is not open here: code
// upload-unknown, or the code it failed with.
func (us *uploads) get(ctx context.Context, who Identity, key string) (*upload, error) {
	u := us.opened(uploadID(who.Session, key))
	if u == nil {
		record, err := us.transfers.cfg.Records.Get(ctx, who.Session, key)
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

// resume takes the right to write the upload's content, from the proxy or connection
// that had it.
func (us *uploads) resume(ctx context.Context, record Record) (*upload, error) {
	switch {
	case record.State == bridge.Failed:
		return nil, bridge.NewError(record.Code, "")
	case record.State == bridge.Cancelled:
		return nil, bridge.NewError(bridge.CodeCancelled, "")
	case !record.State.Incoming():
		return nil, bridge.NewError(bridge.CodeFrameLength, "the upload is complete already")
	}
	w, err := us.transfers.cfg.Staging.Begin(ctx, record.DocumentID)
	if err != nil {
		return nil, unstored(err)
	}
	return us.add(record, w), nil
}

// reopen is resume for an offer that repeats: frames still in flight on an old
// connection are fenced off, and the offset is the number of durable bytes.
func (us *uploads) reopen(ctx context.Context, record Record) (*upload, error) {
	if old := us.opened(uploadID(record.Session, record.Key)); old != nil {
		us.forget(old)
	}
	return us.resume(ctx, record)
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

// opened returns the upload if it is open here, otherwise nil.
func (us *uploads) opened(id string) *upload {
	us.mu.Lock()
	defer us.mu.Unlock()
	u := us.open[id]
	if u != nil {
		u.used = time.Now()
	}
	return u
}

func (us *uploads) forget(u *upload) {
	us.mu.Lock()
	defer us.mu.Unlock()
	if us.open[u.id] == u {
		delete(us.open, u.id)
	}
}

// idleTime is how long an upload stays open without a byte: its page is gone, or has
// resumed it at another proxy.
const idleTime = 10 * time.Minute

// sweep drops the idle uploads. It goes through all of them, so it runs at most once in idleTime.
func (us *uploads) sweep() {
	if time.Since(us.swept) < idleTime {
		return
	}
	us.swept = time.Now()
	maps.DeleteFunc(us.open, func(_ string, u *upload) bool { return time.Since(u.used) > idleTime })
}

// lastTime is how long uploads that are being finished have when the proxy closes. One
// that is not accepted by then is accepted when its page offers it again.
const lastTime = time.Second

func (us *uploads) wait() {
	late := time.AfterFunc(lastTime, us.giveUp)
	defer late.Stop()
	us.running.Wait()
}
