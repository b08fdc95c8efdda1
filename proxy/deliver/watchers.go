package deliver

import (
	"maps"
	"slices"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy"
)

// watchers distribute the records' changes within this process. Each change is notified
// once: if it was made here, at once, and not again when the consumer delivers it.
type watchers struct {
	mu    sync.Mutex
	feeds map[string]*feed // by session
	last  int
}

// feed is one session's watchers.
type feed struct {
	calls map[int]func(proxy.Record) // guarded by watchers.mu

	order  sync.Mutex        // held during notifications, so that revisions come in order
	newest map[string]uint64 // newest revision by upload key; guarded by order
}

func (w *watchers) add(session string, changed func(proxy.Record)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.feeds == nil {
		w.feeds = map[string]*feed{}
	}
	f := w.feeds[session]
	if f == nil {
		f = &feed{calls: map[int]func(proxy.Record){}, newest: map[string]uint64{}}
		w.feeds[session] = f
	}
	w.last++
	id := w.last
	f.calls[id] = changed
	return func() { w.remove(session, f, id) }
}

func (w *watchers) remove(session string, f *feed, id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(f.calls, id)
	if len(f.calls) == 0 && w.feeds[session] == f {
		delete(w.feeds, session)
	}
}

func (w *watchers) notify(r proxy.Record) {
	w.mu.Lock()
	f := w.feeds[r.Session]
	w.mu.Unlock()
	if f == nil {
		return
	}
	f.order.Lock()
	defer f.order.Unlock()
	if r.Revision <= f.newest[r.Key] {
		return
	}
	f.newest[r.Key] = r.Revision
	w.mu.Lock()
	calls := slices.Collect(maps.Values(f.calls))
	w.mu.Unlock()
	for _, changed := range calls {
		changed(r)
	}
}

// onChange takes a record's new message, and notifies every watcher of this process.
func (r *Records) onChange(about *jetstream.MsgMetadata, m jetstream.Msg) {
	record, err := decode(m.Data(), about.Sequence.Stream)
	if err != nil {
		r.log.Error("an upload's record cannot be read", "subject", m.Subject(), "error", err)
		return
	}
	r.unfinished.update(record)
	r.watchers.notify(record)
}
