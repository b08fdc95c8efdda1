package chat

import (
	"context"
	"sync"

	"attache/bridge"
)

// room is a session in memory: the fold of its log, the entries that came last,
// and whoever waits for the next one.
type room struct {
	session string
	log     *log

	// turn admits one append of this process at a time: the second would only
	// be refused. reading does the same for catching up.
	turn, reading gate

	mu       sync.Mutex
	fold     fold
	stale    bool     // the log is known to hold more than the fold
	recent   []*entry // what was folded last, without a gap, up to fold.last
	bytes    int      // of recent
	watchers map[watcher]struct{}

	users int // of this room at this moment; the lobby's
}

// watcher is told that there is something new; one word is enough.
type watcher chan struct{}

// What recent may hold. A receiver that falls behind it reads from the log.
const (
	recentEntries = 64
	recentBytes   = 256 << 10
)

func newRoom(session string, l *log) *room {
	return &room{
		session: session, log: l,
		turn: make(gate, 1), reading: make(gate, 1),
		fold: newFold(), stale: true,
		watchers: map[watcher]struct{}{},
	}
}

// gate is a lock that one can stop waiting for.
type gate chan struct{}

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }

// offer takes an entry from the stream's consumer. One that does not follow the
// fold only says that there is more: whoever needs it reads the log.
func (r *room) offer(seq uint64, payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq <= r.fold.seq {
		return
	}
	if !r.stale {
		if e := stored(seq, payload); e.Place == r.fold.last+1 {
			r.add(e)
			return
		}
	}
	r.stale = true
	r.wake()
}

// appended takes the entry that this process stored itself, when its ack is
// here: it stands directly behind what it was judged by.
func (r *room) appended(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.seq > r.fold.seq {
		r.add(e)
	}
}

func (r *room) add(e *entry) {
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
	r.wake()
}

func (r *room) wake() {
	for w := range r.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

func (r *room) watch() watcher {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := make(watcher, 1)
	r.watchers[w] = struct{}{}
	return w
}

func (r *room) unwatch(w watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.watchers, w)
}

// doubt makes whoever is next look at the log.
func (r *room) doubt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stale = true
}

// current brings the fold up to date if the log is known to hold more.
func (r *room) current(ctx context.Context) error {
	if err := r.reading.enter(ctx); err != nil {
		return err
	}
	defer r.reading.leave()
	r.mu.Lock()
	stale := r.stale
	r.mu.Unlock()
	if !stale {
		return nil
	}
	_, err := r.readAll(ctx)
	return err
}

// catchUp folds what the log holds beyond the fold, and tells how much it was.
func (r *room) catchUp(ctx context.Context) (int, error) {
	if err := r.reading.enter(ctx); err != nil {
		return 0, err
	}
	defer r.reading.leave()
	return r.readAll(ctx)
}

func (r *room) readAll(ctx context.Context) (total int, err error) {
	for {
		n, more, err := r.readOn(ctx)
		if total += n; err != nil || !more {
			return total, err
		}
	}
}

// readEntries is how many entries one read takes.
const readEntries = 256

func (r *room) readOn(ctx context.Context) (n int, more bool, err error) {
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

// restart forgets the fold: the log has become another one, because somebody
// purged it.
func (r *room) restart(ctx context.Context) error {
	if err := r.reading.enter(ctx); err != nil {
		return err
	}
	defer r.reading.leave()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold, r.stale, r.recent, r.bytes = newFold(), true, nil, 0
	r.wake()
	return nil
}

// look asks the fold, and once more after a look at the log if the answer is
// no: nobody is refused on the strength of an old fold.
func (r *room) look(ctx context.Context, see func(f *fold) error) error {
	ask := func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		return see(&r.fold)
	}
	if ask() == nil {
		return nil
	}
	if _, err := r.catchUp(ctx); err != nil {
		return err
	}
	return ask()
}

// eventTries is how often an event is read that must be there: a replica may lag.
const eventTries = 8

// event returns the event at that place of the log.
func (r *room) event(ctx context.Context, place int64) (bridge.Event, error) {
	r.mu.Lock()
	at := r.fold.next(place - 1)
	r.mu.Unlock()
	for try := range eventTries {
		entries, _, err := r.log.read(ctx, r.session, at.seq, 1, readBytes)
		if err != nil {
			return bridge.Event{}, err
		}
		if len(entries) == 1 && entries[0].Place == place && entries[0].Event != nil {
			return entries[0].Event.Event, nil
		}
		if err := pause(ctx, try); err != nil {
			return bridge.Event{}, err
		}
	}
	return bridge.Event{}, bridge.NewError(bridge.CodeChatUnavailable, "")
}
