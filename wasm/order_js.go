package main

import "time"

// orderTime is how long an upload waits, at most, for one that was chosen together
// with it, before it, and makes no progress.
const orderTime = 30 * time.Second

// order is an upload's place among those that were chosen together.
type order struct {
	group  int64         // of whom they are; 0: alone
	moved  time.Duration // when it last made progress
	waits  bool          // its last frame waits for an earlier one's
	recall *alarm        // when that has waited long enough
}

// follow names the upload that is to be announced before this one. One that is not
// among the session's any more needs nobody to wait for it.
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

// yields reports whether a frame up to that byte has to wait: it is the upload's last
// one, and bytes of an earlier upload still have to go out. Frames before the last one
// need not wait, so the line is never idle; and once all are sent, their order on the
// socket is that in which the proxy has them.
func (u *upload) yields(end int64) bool {
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
		left := other.order.moved + orderTime - u.s.page.now()
		u.order.recall = u.s.page.turns.after(left, u.s.pass, u.s.failed)
		return true
	}
	return false
}

// moving reports whether bytes still have to go out, and do. What is being tried
// again may take minutes.
func (u *upload) moving() bool {
	if u.tries > 0 || u.s.page.now()-u.order.moved >= orderTime {
		return false
	}
	return u.phase == offering || u.phase == sending && u.sent < u.offer.Size
}

// pass lets those go on that wait for an earlier upload, if they may.
func (s *session) pass() {
	for _, u := range append([]*upload(nil), s.uploads...) {
		if u.order.waits {
			u.next()
		}
	}
	s.schedule()
}

func (u *upload) move() { u.order.moved = u.s.page.now() }
