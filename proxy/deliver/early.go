package deliver

import (
	"context"
	"sync"

	"attache/bridge"
	"attache/proxy"
)

// earlyNotices are the uploads that are announced, or being announced, before their accepted
// records have come to the loop.
type earlyNotices struct {
	mu sync.Mutex
	of map[string]*earlyNotice // by session and key
}

// earlyNotice is one of them. Its event is there once done is closed, if it was announced.
type earlyNotice struct {
	done  chan struct{}
	event *bridge.Event
}

// maxEarly bounds them: a record may come to another process's loop.
const maxEarly = 1024

// AnnounceEarly makes the document of an upload and posts its notice while the caller writes
// the record that accepts it. All its bytes must be durable. It does so only if these are the
// next steps: nothing is to be scanned or stored elsewhere, and no earlier upload waits.
//
// A process may die before the record is accepted, when the notice is out already. Then the
// store says that the file is whole, the record is accepted by that, as that of every upload
// that was whole when its process died, and the notice is found by its key.
func (l *Loop) AnnounceEarly(ctx context.Context, r proxy.Record) {
	if l.taking.Err() != nil || !l.mayAnnounceEarly(r) {
		return
	}
	notice, id := &earlyNotice{done: make(chan struct{})}, earlyID(r)
	if !l.early.add(id, notice) {
		return
	}
	defer close(notice.done)
	ctx, cancel := context.WithTimeout(ctx, l.cfg.AnnounceTime)
	defer cancel()
	e, err := l.announceEarly(ctx, r)
	if err == nil {
		notice.event = e
		return
	}
	l.cfg.Log.Info("not announced early", "session", r.Session, "key", r.Key, "error", err)
}

// mayAnnounceEarly reports whether to store and to announce are the next steps, and the staged
// content becomes the document itself, by a store that can tell whether a document is whole.
func (l *Loop) mayAnnounceEarly(r proxy.Record) bool {
	j := &job{Loop: l, record: r}
	_, off := l.cfg.Scanner.(proxy.NoScanner)
	_, settles := j.documents().(proxy.Settler)
	_, announces := j.documents().(proxy.Announcer)
	return off && settles && !announces && j.inPlace() && j.deliverer() == nil
}

// announceEarly returns nil if an earlier upload is to be announced before.
func (l *Loop) announceEarly(ctx context.Context, r proxy.Record) (*bridge.Event, error) {
	j := &job{Loop: l, record: r}
	if blocked, err := j.blocked(ctx); blocked || err != nil {
		return nil, err
	}
	d, err := document(r)
	if err != nil {
		return nil, err
	}
	if _, err := j.documents().Add(ctx, d); err != nil {
		return nil, err
	}
	crashPoint("stored early")
	e, err := l.cfg.Chat.Post(ctx, r.Session, r.UserID, noticeOf(r))
	if err != nil {
		return nil, err
	}
	if !e.IsFile() {
		return nil, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	crashPoint("announced early")
	return &e, nil
}

func earlyID(r proxy.Record) string { return r.Session + "/" + r.Key }

// add reports false if there are too many, or one of that upload.
func (n *earlyNotices) add(id string, one *earlyNotice) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.of == nil {
		n.of = map[string]*earlyNotice{}
	}
	if len(n.of) >= maxEarly {
		n.dropDone()
	}
	if n.of[id] != nil || len(n.of) >= maxEarly {
		return false
	}
	n.of[id] = one
	return true
}

// dropDone forgets those that are done; the caller holds the mutex.
func (n *earlyNotices) dropDone() {
	for id, one := range n.of {
		select {
		case <-one.done:
			delete(n.of, id)
		default:
		}
	}
}

func (n *earlyNotices) take(id string) *earlyNotice {
	n.mu.Lock()
	defer n.mu.Unlock()
	one := n.of[id]
	delete(n.of, id)
	return one
}

// awaitEarly returns the notice of an upload that was announced before its record was
// accepted; nil: it was not.
func (j *job) awaitEarly(ctx context.Context) (*bridge.Event, error) {
	if j.record.State != bridge.Accepted {
		return nil, nil
	}
	one := j.early.take(earlyID(j.record))
	if one == nil {
		return nil, nil
	}
	select {
	case <-one.done:
		return one.event, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
