package chat

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"attache/bridge"
)

// room is a session in memory: the fold of its log, the latest entries, and the
// watchers for the next one.
type room struct {
	session string
	log     *log

	// appending admits one append of this process at a time: a second would only be
	// refused. reading does the same for reads of the log.
	appending, reading *semaphore.Weighted

	mu       sync.Mutex
	fold     fold
	stale    bool        // the log is known to hold more than the fold
	recent   []*logEntry // the latest folded entries, without a gap, up to fold.last
	bytes    int         // of recent
	watchers map[watcher]struct{}
	passings passings
	noting   bool // that a party is active

	users int // calls that use the room now; guarded by the lobby's mutex
}

// watcher is notified of new entries; its capacity is one.
type watcher chan struct{}

// Bounds of recent. A receiver that falls further behind reads from the log.
const (
	recentEntries = 64
	recentBytes   = 256 << 10
)

func newRoom(session string, l *log) *room {
	return &room{
		session: session, log: l,
		appending: semaphore.NewWeighted(1), reading: semaphore.NewWeighted(1),
		fold: newFold(), stale: true,
		watchers: map[watcher]struct{}{},
	}
}

// offer adds an entry from the stream's consumer. An entry that does not follow the
// fold only shows that there is more: the next caller reads the log.
func (r *room) offer(seq uint64, payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq <= r.fold.seq {
		return
	}
	if !r.stale {
		if e := parseStored(seq, payload); e.Position == r.fold.last+1 {
			r.add(e)
			return
		}
	}
	r.stale = true
	r.notify()
}

// appended adds an entry that this process stored itself, after its ack: it directly
// follows the fold that it was decided by.
func (r *room) appended(e *logEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.seq > r.fold.seq {
		r.add(e)
	}
}

func (r *room) add(e *logEntry) {
	before := r.fold.last
	r.fold.apply(e)
	if r.fold.last == before {
		return
	}
	if len(r.watchers) == 0 {
		r.recent, r.bytes = nil, 0
		return
	}
	r.recent, r.bytes = append(r.recent, e), r.bytes+e.cost
	for len(r.recent) > recentEntries || r.bytes > recentBytes {
		r.bytes -= r.recent[0].cost
		r.recent[0] = nil
		r.recent = r.recent[1:]
	}
	r.notify()
}

func (r *room) notify() {
	for w := range r.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// watch returns a watcher, and the number of the last transient notice before it.
func (r *room) watch() (w watcher, transient uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w = make(watcher, 1)
	r.watchers[w] = struct{}{}
	return w, r.passings.last
}

func (r *room) unwatch(w watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.watchers, w)
}

// watched reports whether a party's page is connected to this process.
func (r *room) watched() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.watchers) > 0
}

// markStale makes the next caller of refresh read the log.
func (r *room) markStale() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stale = true
}

// refresh brings the fold up to date if the log is known to hold more.
func (r *room) refresh(ctx context.Context) error {
	if err := r.reading.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.reading.Release(1)
	r.mu.Lock()
	stale := r.stale
	r.mu.Unlock()
	if !stale {
		return nil
	}
	_, err := r.readAll(ctx)
	return err
}

// catchUp folds the entries that the fold lacks, and returns their number.
func (r *room) catchUp(ctx context.Context) (int, error) {
	if err := r.reading.Acquire(ctx, 1); err != nil {
		return 0, err
	}
	defer r.reading.Release(1)
	return r.readAll(ctx)
}

func (r *room) readAll(ctx context.Context) (total int, err error) {
	for {
		n, more, err := r.readNext(ctx)
		if total += n; err != nil || !more {
			return total, err
		}
	}
}

// readEntries is how many entries one read returns at most.
const readEntries = 256

func (r *room) readNext(ctx context.Context) (n int, more bool, err error) {
	r.mu.Lock()
	from := r.fold.seq + 1
	r.stale = false
	r.mu.Unlock()

	entries, more, err := r.log.read(ctx, r.session, from, readEntries, readBytes)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stale = r.stale || err != nil || more
	for _, e := range entries {
		if e.seq > r.fold.seq {
			r.add(e)
			n++
		}
	}
	return n, more, err
}

// reset drops the fold, because the log was purged and the fold is not of the new one.
func (r *room) reset(ctx context.Context) error {
	if err := r.reading.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.reading.Release(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold, r.stale, r.recent, r.bytes = newFold(), true, nil, 0
	r.notify()
	return nil
}

// query runs a check on the fold. If it fails, query reads the log and runs it again,
// so that nothing is refused because the fold was old.
func (r *room) query(ctx context.Context, check func(f *fold) error) error {
	try := func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		return check(&r.fold)
	}
	if try() == nil {
		return nil
	}
	if _, err := r.catchUp(ctx); err != nil {
		return err
	}
	return try()
}

// eventTries bounds the reads of an event that must be there: a replica may lag.
const eventTries = 8

// event returns the event at that position in the log.
func (r *room) event(ctx context.Context, position int64) (bridge.Event, error) {
	r.mu.Lock()
	at := r.fold.next(position - 1)
	r.mu.Unlock()
	for try := range eventTries {
		entries, _, err := r.log.read(ctx, r.session, at.seq, 1, readBytes)
		if err != nil {
			return bridge.Event{}, err
		}
		if len(entries) == 1 && entries[0].Position == position && entries[0].Event != nil {
			return entries[0].Event.Event, nil
		}
		if err := backOff(ctx, try); err != nil {
			return bridge.Event{}, err
		}
	}
	return bridge.Event{}, bridge.NewError(bridge.CodeChatUnavailable, "")
}
