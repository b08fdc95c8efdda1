package deliver

import (
	"maps"
	"slices"
	"sync"

	"attache/proxy"
)

// watchers fans the records' changes out within this process. A change is told
// once: at once where it was made here, and then not again when the consumer
// brings it.
type watchers struct {
	mu    sync.Mutex
	feeds map[string]*feed // by session
	last  int
}

// feed is one session's watchers.
type feed struct {
	calls map[int]func(proxy.Record) // guarded by watchers.mu

	order sync.Mutex        // held while telling, so that revisions do not overtake each other
	told  map[string]uint64 // newest revision by upload key; guarded by order
}

func (w *watchers) add(session string, changed func(proxy.Record)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.feeds == nil {
		w.feeds = map[string]*feed{}
	}
	f := w.feeds[session]
	if f == nil {
		f = &feed{calls: map[int]func(proxy.Record){}, told: map[string]uint64{}}
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

func (w *watchers) tell(r proxy.Record) {
	w.mu.Lock()
	f := w.feeds[r.Session]
	w.mu.Unlock()
	if f == nil {
		return
	}
	f.order.Lock()
	defer f.order.Unlock()
	if r.Revision <= f.told[r.Key] {
		return
	}
	f.told[r.Key] = r.Revision
	w.mu.Lock()
	calls := slices.Collect(maps.Values(f.calls))
	w.mu.Unlock()
	for _, changed := range calls {
		changed(r)
	}
}
