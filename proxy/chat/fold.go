package chat

import (
	"sort"
	"time"

	"attache/bridge"
)

// fold is the state that follows from a session's log: everything that a decision
// about the next entry needs. It has the positions of events, not the events.
type fold struct {
	last    int64  // the last entry's position
	seq     uint64 // and its sequence in the stream
	at      int64  // and its time
	started int64  // the first entry's time
	over    bool   // an entry ended the session, or its beginning is gone

	marks []mark // of each entry, in order

	present map[string]bridge.Party // by user id
	left    map[string]departure    // by user id: the last time that user left
	keys    map[string]keyed        // of events, by their idempotency key
	files   map[string]filed        // by file-id

	customers usage // files announced by customers
	others    usage // and by all other parties
	reserved  map[string]reservation
	released  []reservation // whose bytes may be on the disk a little longer
	attempts  map[attempt]struct{}

	spent          map[string]int64 // bytes of the log by user id
	spentCustomers int64            // by all customers
	spentOthers    int64            // and by all other parties
}

// mark is an entry's position in the stream.
type mark struct {
	position int64
	seq      uint64
}

// departure is the position of a party-left, and the party as it was.
type departure struct {
	position int64
	party    bridge.Party
}

type keyed struct {
	position int64
	userID   string

	file bool  // a file-uploaded notice: an upload's key, and not a message's
	size int64 // of that file, in bytes
}

// filed is the part of a file-uploaded event that decides which parties may see it.
type filed struct {
	position   int64
	userID     string
	visibility bridge.Visibility
}

func (f filed) seenBy(p bridge.Party) bool {
	return p.Sees(bridge.Event{
		From:       bridge.Party{UserID: f.userID},
		Visibility: f.visibility,
		NoticeType: bridge.SystemCommand,
	})
}

type usage struct{ files, bytes int64 }

// add counts a file. Without a limit, sizes may add up to more than a number on the wire
// can be.
func (u *usage) add(size int64) {
	u.files++
	u.bytes = min(u.bytes+size, bridge.MaxInteger)
}

type reservation struct {
	userID string
	name   string
	size   int64
	at     int64
}

// attempt is one download. The file is part of its identity: a key cannot be used for a
// second file without being charged again.
type attempt struct{ userID, key, fileID string }

func newFold() fold {
	return fold{
		present:  map[string]bridge.Party{},
		left:     map[string]departure{},
		keys:     map[string]keyed{},
		files:    map[string]filed{},
		reserved: map[string]reservation{},
		attempts: map[attempt]struct{}{},
		spent:    map[string]int64{},
	}
}

// apply adds the next entry of the log. A message that is not an entry of ours, or
// whose position is taken, only advances the stream's sequence.
func (f *fold) apply(e *logEntry) {
	f.seq = e.seq
	if e.Position <= f.last {
		return
	}
	if f.last == 0 {
		// If the first entry's position is not 1, retention has removed those before it.
		f.started, f.over = e.At, e.Position > 1
	}
	f.last, f.at = e.Position, max(f.at, e.At)
	f.marks = append(f.marks, mark{e.Position, e.seq})
	f.spend(e)

	switch e.Kind {
	case isEvent:
		f.event(e)
	case isReserve:
		f.reserved[e.Key] = reservation{e.UserID, e.Name, e.Size, e.At}
	case isRelease:
		f.addReleased(e)
		delete(f.reserved, e.Key)
	case isAttempt:
		f.attempts[attempt{e.UserID, e.Key, e.FileID}] = struct{}{}
	}
}

func (f *fold) event(e *logEntry) {
	user := e.Event.From.UserID
	switch e.Event.Type {
	case bridge.NewParty:
		f.present[user] = e.Event.From
	case bridge.PartyLeft:
		f.left[user] = departure{e.Position, f.present[user]}
		delete(f.present, user)
	case bridge.Notice:
		if p, ok := f.present[user]; ok && e.Event.NoticeType == bridge.UpdateNick {
			p.Nickname = e.Event.From.Nickname
			f.present[user] = p
		}
	}
	f.over = f.over || e.Over
	known := keyed{position: e.Position, userID: user}
	if e.Event.IsFile() {
		known.file, known.size = true, f.announced(e)
	}
	if e.Event.Key != "" {
		f.keys[e.Event.Key] = known
	}
}

// announced counts a file against its sender's limits and returns its size in bytes.
func (f *fold) announced(e *logEntry) (size int64) {
	f.files[e.Event.Data.Get(bridge.KeyFileID)] = filed{e.Position, e.Event.From.UserID, e.Event.Visibility}
	if file, err := bridge.DecodeFile(e.Event.Event); err == nil {
		size = file.Size
	}
	used := &f.others
	if e.Event.From.UserType == bridge.Client {
		used = &f.customers
		delete(f.reserved, e.Event.Key)
	}
	used.add(size)
	return size
}

// next returns the mark of the first entry after that position, the zero mark if there is none.
func (f *fold) next(position int64) mark {
	i := sort.Search(len(f.marks), func(i int) bool { return f.marks[i].position > position })
	if i == len(f.marks) {
		return mark{}
	}
	return f.marks[i]
}

// party returns the party of that user id, if it is in.
func (f *fold) party(userID string) (bridge.Party, error) {
	p, ok := f.present[userID]
	if !ok {
		return p, bridge.NewError(bridge.CodeNotJoined, "")
	}
	return p, nil
}

// sender returns the party that posts e. It must be in the session; for a file notice with
// a key it is enough that it was: the notice ends an upload that was accepted while the
// party was in, and from then on its page may close.
func (f *fold) sender(userID string, e bridge.Event) (bridge.Party, error) {
	p, err := f.party(userID)
	if err == nil || !e.IsFile() || e.Key == "" {
		return p, err
	}
	if gone, ok := f.left[userID]; ok {
		return gone.party, nil
	}
	return p, err
}

// ended reports whether the session is over at now, by its log or by its age.
func (f *fold) ended(now int64, retention time.Duration) bool {
	return f.over || f.last > 0 && now-f.started >= retention.Milliseconds()
}

// agentFor reports whether an AGENT or SUPERVISOR that p may see is in, not counting the
// user without. A hidden one must not show in anything that p can measure.
func (f *fold) agentFor(p bridge.Party, without string) bool {
	for _, other := range f.present {
		agent := other.UserType == bridge.Agent || other.UserType == bridge.Supervisor
		if agent && other.UserID != without && p.UserType.MaySee(other.Visibility) {
			return true
		}
	}
	return false
}

// file returns the position of the file-uploaded event with that id, if p may see it.
func (f *fold) file(p bridge.Party, fileID string) (int64, error) {
	file, ok := f.files[fileID]
	if !ok || !file.seenBy(p) {
		return 0, bridge.NewError(bridge.CodeFileUnknown, "")
	}
	return file.position, nil
}

// held returns the reservation of key, unless it has expired at now.
func (f *fold) held(key string, now int64, ttl time.Duration) (reservation, bool) {
	r, ok := f.reserved[key]
	return r, ok && now-r.at < ttl.Milliseconds()
}

// charged is the customers' use at now: announced files, and reservations except that of
// the key.
func (f *fold) charged(except string, now int64, ttl time.Duration) usage {
	used := f.customers
	for key := range f.reserved {
		if r, ok := f.held(key, now, ttl); ok && key != except {
			used.add(r.size)
		}
	}
	return used
}

// reservedAlready reports whether a reservation needs no entry, because the same one
// exists or its file is in the transcript. After half of its time it is renewed, because
// its upload continues. The key of any other event in the transcript can never be
// reserved.
func (f *fold) reservedAlready(want logEntry, now int64, ttl time.Duration) (done, renew bool, err error) {
	if known, ok := f.keys[want.Key]; ok {
		done, err = conflict(!known.file || known.userID != want.UserID || known.size != want.Size)
		return done, false, err
	}
	held, ok := f.held(want.Key, now, ttl)
	if !ok {
		return false, false, nil
	}
	done, err = conflict(held.userID != want.UserID || held.name != want.Name || held.size != want.Size)
	return done, done && now-held.at > ttl.Milliseconds()/2, err
}

func conflict(other bool) (bool, error) {
	if other {
		return false, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	return true, nil
}
