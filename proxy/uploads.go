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
// it is opened from its record, wherever it began. Each writer that was begun is closed
// once: when its upload is forgotten.
type uploads struct {
	transfers *Transfers

	mu       sync.Mutex
	open     map[string]*upload
	openings map[string]*opening   // by upload
	turns    map[string][]*opening // of a party, by seat: those that have not begun; its openings run one after the other
	swept    time.Time
	running  sync.WaitGroup // uploads being finished, and openings
	closed   bool           // nothing is finished any more
	ctx      context.Context
	giveUp   context.CancelFunc
}

func newUploads(t *Transfers) *uploads {
	us := &uploads{transfers: t, open: map[string]*upload{}, openings: map[string]*opening{}, turns: map[string][]*opening{}}
	us.ctx, us.giveUp = context.WithCancel(context.Background())
	return us
}

// unknownAck is the position of a sender that does not know what is durable.
const unknownAck = -1

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
		if err := record.endError(); err != nil {
			return nil, err
		}
		return us.reopen(record, unknownAck).waitForPiece(ctx)
	}
	if u.owner != who.Party.UserID {
		return nil, bridge.NewError(bridge.CodeUploadUnknown, "")
	}
	return u, nil
}

// maxOpen bounds the open uploads. Each party's are bounded as well, by its quota.
const maxOpen = 4096

func (us *uploads) add(record Record, w Writer) *upload {
	us.mu.Lock()
	defer us.mu.Unlock()
	return us.put(record, w)
}

// put is add for a caller that holds the mutex.
func (us *uploads) put(record Record, w Writer) *upload {
	u := &upload{
		uploads: us, id: record.id(), owner: record.UserID, size: record.Size, open: record.Open,
		record: record, writer: w,
	}
	us.sweep()
	if old := us.open[u.id]; old != nil {
		old.close() // two connections have begun it at once
	} else if len(us.open) >= maxOpen {
		us.dropOldest()
	}
	u.used = time.Now()
	us.open[u.id] = u
	return u
}

// dropOldest closes the upload that was used least recently: its next piece opens it again.
func (us *uploads) dropOldest() {
	var oldest *upload
	for _, u := range us.open {
		if oldest == nil || u.used.Before(oldest.used) {
			oldest = u
		}
	}
	delete(us.open, oldest.id)
	oldest.close()
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

// forget closes the upload here. Its writer's pieces under way become durable all the same.
func (us *uploads) forget(u *upload) {
	us.mu.Lock()
	if us.open[u.id] == u {
		delete(us.open, u.id)
	}
	us.mu.Unlock()
	u.close()
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
	maps.DeleteFunc(us.open, func(_ string, u *upload) bool {
		idle := time.Since(u.used) > idleTime
		if idle {
			u.close()
		}
		return idle
	})
}

// spawn runs f, unless the proxy closes already: the store may report a last byte after that.
func (us *uploads) spawn(f func()) {
	us.mu.Lock()
	defer us.mu.Unlock()
	if !us.closed {
		us.running.Go(f)
	}
}

// lastTime is how long uploads that are being finished have when the proxy closes. One
// that is not accepted by then is accepted when its page offers it again.
const lastTime = time.Second

// wait waits for the uploads that are being finished, and closes all others.
func (us *uploads) wait() {
	us.mu.Lock()
	us.closed = true
	us.mu.Unlock()
	us.stopOpenings()
	late := time.AfterFunc(lastTime, us.giveUp)
	defer late.Stop()
	us.running.Wait()
	us.mu.Lock()
	defer us.mu.Unlock()
	for id, u := range us.open {
		delete(us.open, id)
		u.close()
	}
}

func (us *uploads) stopOpenings() {
	us.mu.Lock()
	defer us.mu.Unlock()
	for _, o := range us.openings {
		o.stop()
	}
}
