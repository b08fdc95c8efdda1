package deliver

import (
	"sync"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// unfinished has the uploads without a notice: those under way, and for a while those that
// failed or were cancelled. It has what this process has seen, so after the start it may
// have too few until the janitor's first sweep has ended.
type unfinished struct {
	mu sync.Mutex
	of map[seat]map[string]*pending // by the upload's key
}

type seat struct{ session, user string }

// pending is an unfinished upload.
type pending struct {
	state    bridge.UploadState
	code     bridge.Code
	size     int64
	revision uint64
	seen     time.Time // when its last byte came, or its party was last known to be in the session
	heard    time.Time // when this process learned of the revision
	open     bool      // it cannot be resumed
	read     bool      // the staged content was not whole after this revision
}

// update takes a record's state. The newer of two counts.
func (u *unfinished) update(r proxy.Record) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := seat{r.Session, r.UserID}
	old := u.of[s][r.Key]
	switch {
	case old != nil && old.revision >= r.Revision:
	case r.State == bridge.Announced:
		u.drop(s, r.Key)
	default:
		if u.of[s] == nil {
			u.of[s] = map[string]*pending{}
		}
		u.of[s][r.Key] = &pending{state: r.State, code: r.Code, size: r.Size, revision: r.Revision, seen: r.Changed, heard: time.Now(), open: r.Open}
	}
}

// forget removes an upload that has no record any more.
func (u *unfinished) forget(s seat, key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(s, key)
}

func (u *unfinished) drop(s seat, key string) {
	delete(u.of[s], key)
	if len(u.of[s]) == 0 {
		delete(u.of, s)
	}
}

// load counts a party's uploads.
func (u *unfinished) load(s seat) (l proxy.Load) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, p := range u.of[s] {
		if p.state.Final() {
			l.Lost++
		} else {
			l.Files++
		}
		if !p.state.Final() || time.Since(p.seen) < proxy.SettleTime {
			l.Bytes = min(l.Bytes+p.size, bridge.MaxInteger)
		}
	}
	return l
}

// pending lists the keys of a party's uploads that are under way.
func (u *unfinished) pending(s seat) (keys []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, p := range u.of[s] {
		if !p.state.Final() {
			keys = append(keys, key)
		}
	}
	return keys
}

// candidate is an upload to be checked: it may be abandoned, or was and may be removed.
type candidate struct {
	seat
	key string
	pending
}

// candidates lists the uploads in progress and the abandoned ones, except those seen
// within the last age. It drops uploads that another process has removed once their
// records cannot exist any more, which is after keep.
func (u *unfinished) candidates(age, keep time.Duration) (list []candidate) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for s, all := range u.of {
		for key, p := range all {
			since := time.Since(p.seen)
			switch {
			case p.state.Final() && since > keep+time.Hour:
				u.drop(s, key)
			case since > age && (p.state.Incoming() || p.gaveUp()):
				list = append(list, candidate{s, key, *p})
			}
		}
	}
	return list
}

// gaveUp reports whether the loop failed the upload because its page did not come back.
func (p pending) gaveUp() bool { return p.state == bridge.Failed && p.code == bridge.CodeTimeout }

// markRead records that bytes of the upload are missing.
func (u *unfinished) markRead(c candidate) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p := u.of[c.seat][c.key]; p != nil && p.revision == c.revision {
		p.read = true
	}
}

// markPresent records that the upload's party is in its session.
func (u *unfinished) markPresent(c candidate) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p := u.of[c.seat][c.key]; p != nil && p.revision == c.revision {
		p.seen = time.Now()
	}
}
