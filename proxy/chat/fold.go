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
	idle    idleFold
	over    bool // an entry ended the session, or its beginning is gone

	marks []mark // of each entry, in order

	present map[string]bridge.Party // by user id; its ClientVersion is the highest it attached with
	renamed map[string]bool         // by user id: it chose its nickname itself
	secrets map[string]keyHash      // of present parties' secure keys, by user id
	older   map[string][]olderKey   // keys that they had before, by user id
	taken   map[string]int64        // position where a party's earlier connections end, by user id
	foreign map[string]bool         // by user id of present parties: no proxy takes it out
	left    map[string]departure    // by user id: the last time that user left
	keys    map[string]keyed        // of events, by their idempotency key
	files   map[string]filed        // by file-id

	password *sessionPassword // of the session; nil if it has none

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
	closing  bool // it was taken out because the session is over

	secret keyHash // its secure key at that time, by which it may still read
	older  []olderKey
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
	documentID string
	size       int64 // bytes
	other      bool  // its sender was not a customer
	deleted    int64 // position of the notice that deletes it; 0: none does
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

// remove counts a file no longer.
func (u *usage) remove(size int64) {
	u.files = max(u.files-1, 0)
	u.bytes = max(u.bytes-size, 0)
}

type reservation struct {
	other  bool // its party is not a customer
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
		renamed:  map[string]bool{},
		secrets:  map[string]keyHash{},
		older:    map[string][]olderKey{},
		taken:    map[string]int64{},
		foreign:  map[string]bool{},
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
	f.idle.apply(e)
	f.over = f.over || e.Over

	switch e.Kind {
	case isEvent:
		f.event(e)
	case isReserve:
		f.reserved[e.Key] = reservation{e.Other, e.UserID, e.Name, e.Size, e.At}
	case isRelease:
		f.addReleased(e)
		delete(f.reserved, e.Key)
	case isAttempt:
		f.attempts[attempt{e.UserID, e.Key, e.FileID}] = struct{}{}
	case isAttach:
		f.raise(e.UserID, e.ClientVersion)
		f.rotate(e)
		if _, in := f.present[e.UserID]; in && e.Foreign {
			f.foreign[e.UserID] = true
		}
		if e.TakesOver {
			f.taken[e.UserID] = e.Position
		}
	}
}

func (f *fold) event(e *logEntry) {
	user := e.Event.From.UserID
	switch e.Event.Type {
	case bridge.NewParty:
		f.present[user] = e.Event.From
		f.secrets[user] = e.SecureKey
		if e.Foreign {
			f.foreign[user] = true
		}
		if e.Password != nil {
			f.password = e.Password
		}
	case bridge.PartyLeft:
		f.left[user] = departure{e.Position, f.present[user], f.idle.closing, f.secrets[user], f.older[user]}
		delete(f.present, user)
		delete(f.renamed, user)
		delete(f.secrets, user)
		delete(f.older, user)
		delete(f.foreign, user)
	case bridge.Notice:
		if p, ok := f.present[user]; ok && e.Event.NoticeType == bridge.UpdateNick {
			p.Nickname = e.Event.From.Nickname
			f.present[user] = p
			f.renamed[user] = f.renamed[user] || e.Renamed
		}
		f.raise(user, e.ClientVersion)
	}
	if e.isDeletion() {
		f.delete(e)
	}
	known := keyed{position: e.Position, userID: user}
	if e.Event.IsFile() {
		known.file, known.size = true, f.announced(e)
	}
	if e.Event.Key != "" {
		f.keys[e.Event.Key] = known
	}
}

// raise sets the version of a party that is in, if it is higher than before.
func (f *fold) raise(user string, version int64) {
	if p, ok := f.present[user]; ok && version > p.ClientVersion {
		p.ClientVersion = version
		f.present[user] = p
	}
}

// announced counts a file against its sender's limits and returns its size in bytes.
func (f *fold) announced(e *logEntry) (size int64) {
	if file, err := bridge.DecodeFile(e.Event.Event); err == nil {
		size = file.Size
	}
	file := filed{
		position: e.Position, userID: e.Event.From.UserID, visibility: e.Event.Visibility,
		documentID: e.Event.Data.Get(bridge.KeyDocumentID), size: size, other: e.Event.From.UserType != bridge.Client,
	}
	f.files[e.Event.Data.Get(bridge.KeyFileID)] = file
	delete(f.reserved, e.Event.Key)
	f.usageOf(file.other).add(size)
	return size
}

func (f *fold) usageOf(others bool) *usage {
	if others {
		return &f.others
	}
	return &f.customers
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

// ended reports whether the session is over at now, by its log or by its age. Its parties may
// still have to be taken out.
func (f *fold) ended(now int64, retention time.Duration) bool {
	return f.idle.closing || f.complete(now, retention)
}

// complete reports whether the session is over and nothing more will be in its transcript.
func (f *fold) complete(now int64, retention time.Duration) bool {
	return f.over || f.last > 0 && now-f.started >= retention.Milliseconds()
}

// agentFor reports whether an AGENT or SUPERVISOR that p may see is in, not counting the
// user without. A hidden one must not show in anything that p can measure, so a party that
// only monitors (VIP) is nobody, also to those who see it; with vip it counts for all.
func (f *fold) agentFor(p bridge.Party, without string, vip bool) bool {
	for _, other := range f.present {
		agent := other.UserType == bridge.Agent || other.UserType == bridge.Supervisor
		if !agent || other.UserID == without {
			continue
		}
		if other.Visibility == bridge.Vip && vip || other.Visibility != bridge.Vip && p.UserType.MaySee(other.Visibility) {
			return true
		}
	}
	return false
}

// monitored reports whether a party other than that user monitors the session.
func (f *fold) monitored(user string) bool {
	for _, other := range f.present {
		if other.Visibility == bridge.Vip && other.UserID != user {
			return true
		}
	}
	return false
}

// file returns the position of the file-uploaded event with that id, if p may see it.
func (f *fold) file(p bridge.Party, fileID string) (int64, error) {
	file, err := f.filed(p, fileID)
	if err == nil && file.deleted > 0 {
		return 0, bridge.NewError(bridge.CodeFileUnknown, "the file was deleted")
	}
	return file.position, err
}

// filed is file, also for one that was deleted.
func (f *fold) filed(p bridge.Party, fileID string) (filed, error) {
	file, ok := f.files[fileID]
	if !ok || !file.seenBy(p) {
		return filed{}, bridge.NewError(bridge.CodeFileUnknown, "")
	}
	return file, nil
}

// held returns the reservation of key, unless it has expired at now.
func (f *fold) held(key string, now int64, ttl time.Duration) (reservation, bool) {
	r, ok := f.reserved[key]
	return r, ok && now-r.at < ttl.Milliseconds()
}

// charged is the use at now, by customers or by all others: announced files, and
// reservations except that of the key.
func (f *fold) charged(customers bool, except string, now int64, ttl time.Duration) usage {
	used := *f.usageOf(!customers)
	for key := range f.reserved {
		if r, ok := f.held(key, now, ttl); ok && key != except && r.other != customers {
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
