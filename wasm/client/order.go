package client

import "time"

// orderTime is the longest time that an upload waits for an earlier one of its group
// that makes no progress.
const orderTime = 30 * time.Second

// order is an upload's position among the files that were chosen together.
type order struct {
	group    int64         // number of that choice of files; 0: the file was chosen alone
	progress time.Duration // when it last made progress
	waits    bool          // its last frame waits for the last frame of an earlier upload
	recall   *alarm        // runs when it has waited long enough
}

func (u *upload) progressed() { u.order.progress = u.s.now() }

// follow names the upload that is to be announced before this one. An upload that has
// left the session needs no waiting.
func (u *upload) follow() {
	if u.offer.After != "" || u.begun {
		return
	}
	for _, other := range u.s.uploads {
		switch {
		case other == u:
			return
		case other.order.group == u.order.group && u.order.group != 0:
			u.offer.After = other.offer.Key
		}
	}
}

// mustWait reports whether a frame up to that byte has to wait: it is the upload's
// last one, and bytes of an earlier upload still have to go out. Frames before the last
// one need not wait, so the network is never idle; and once all are sent, their order on
// the socket is the order in which the proxy has them.
func (u *upload) mustWait(end int64) bool {
	u.order.waits = false
	u.order.recall.stop()
	if end < u.offer.Size || u.order.group == 0 {
		return false
	}
	for _, other := range u.s.uploads {
		if other == u {
			return false
		}
		if other.order.group != u.order.group || !other.moving() {
			continue
		}
		u.order.waits = true
		left := other.order.progress + orderTime - u.s.now()
		u.order.recall = u.s.after(left, u.s.pass)
		return true
	}
	return false
}

// moving reports whether an upload still has bytes to send and is making progress. A
// retry may take minutes.
func (u *upload) moving() bool {
	if u.tries > 0 || u.s.now()-u.order.progress >= orderTime {
		return false
	}
	return u.phase == offering || u.phase == sending && u.sent < u.offer.Size
}

// pass lets uploads continue that wait for an earlier one, if they may.
func (s *Session) pass() {
	for _, u := range append([]*upload(nil), s.uploads...) {
		if u.order.waits {
			u.next()
		}
	}
	s.schedule()
}
