package main

import (
	"time"

	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// upload is one file on its way from this page.
type upload struct {
	s     *session
	call  int64
	offer bridge.Offer
	key   bridge.Key
	name  bridge.Name
	pump  safejs.Value // reads the file: prepare(header, most, digest), read(offset, length), rest()

	state      bridge.UploadState
	phase      phase
	begun      bool           // the proxy has accepted it before
	over       bool           // the proxy says that it has ended
	held       bool           // to be offered again once the data socket is ready
	ours       bool           // what the proxy has of it was sent by this page, or is the same as its file
	news       *bridge.Upload // of its completion, kept back until it is known to be ours
	undigested *alarm         // while news is kept back and the proxy has not told a digest
	tries      int            // offered again without progress between
	since      time.Duration  // of the first of these

	offset  int64          // where the proxy wants to go on
	digest  string         // of what it has before that, hex
	sender  *bridge.Sender // nil until both sockets are ready for it
	reading int64          // bytes the pump is reading; 0: none
	stale   bool           // what it is reading is not wanted any more
	again   *alarm
	order   order

	sent, stored int64
	told         time.Duration // when progress was told last
	telling      *alarm
}

// phase is what an upload waits for.
type phase int

const (
	waiting   phase = iota // for others to finish
	offering               // for the proxy's accept
	sending                // for the data socket, the pump or credit
	comparing              // for the pump: the proxy has the whole, but this page did not send it
	delivered              // for the proxy to announce it
)

// nudgeTime is how long to wait for the proxy's word that all of an upload arrived.
const nudgeTime = 10 * time.Second

// propose offers the file, or the rest of it, or asks how one that has arrived
// is getting on.
func (u *upload) propose() {
	u.held = false
	u.unsettle()
	u.move()
	u.follow()
	if !u.s.chat.ready {
		return
	}
	u.s.send(&u.offer)
	if u.news != nil {
		u.keep(u.news)
	}
	if u.phase == offering && u.offer.Size > 0 {
		u.s.data.want()
	}
}

// unsettle makes an upload wait for accept, unless no byte of it is wanted.
func (u *upload) unsettle() {
	if u.phase != delivered && u.phase != comparing {
		u.phase = offering
	}
}

// accepted is told from where the proxy wants to go on.
func (u *upload) accepted(m *bridge.Accept) {
	offset := m.Offset
	switch {
	case offset > u.offer.Size:
		u.fail(bridge.NewError(bridge.CodeFrameLength, ""))
		return
	case offset == u.offer.Size:
		u.whole(m.Digest)
		return
	case u.phase == delivered && !u.state.Incoming():
		return
	}
	u.move()
	resumed := u.begun || offset > 0
	u.phase, u.begun, u.held = sending, true, false
	u.offset, u.sent, u.stored, u.digest = offset, offset, offset, m.Digest
	u.again.stop()
	u.halt()
	if resumed {
		u.resume()
	} else {
		u.advance(bridge.Receiving)
	}
	u.s.data.want()
	u.start()
}

// halt stops sending; a piece that is being read will be dropped.
func (u *upload) halt() {
	u.sender = nil
	u.stale = u.reading > 0
}

// hold is told that the data socket is gone: how much arrived on it is asked
// when the next one is ready.
func (u *upload) hold() {
	u.halt()
	if u.phase == sending {
		u.phase, u.held = offering, true
	}
}

// start begins to send where the data socket is ready for it.
func (u *upload) start() {
	if u.phase != sending || u.sender != nil || !u.s.data.ready {
		return
	}
	u.sender = bridge.NewSender(u.offer.Size, u.offset, u.s.data.maxFrame, &u.s.data.link)
	most := min(u.s.data.maxFrame, u.offer.Size-u.offset)
	if _, err := u.pump.Call("prepare", bridge.FrameHeader, most, u.digest); err != nil {
		u.abandon(bridge.WrapError(bridge.CodeInternal, err))
		return
	}
	u.next()
}

// next has the pump read the next piece, if there is credit for it.
func (u *upload) next() {
	if u.reading > 0 || u.sender == nil {
		return
	}
	offset, length := u.sender.Next()
	if length == 0 || u.yields(offset+length) {
		return
	}
	u.reading = length
	if _, err := u.pump.Call("read", offset, length); err != nil {
		u.abandon(bridge.WrapError(bridge.CodeInternal, err))
	}
}

// filled is told that the piece lies in view, behind room for the header.
func (u *upload) filled(view safejs.Value) {
	if u.phase == comparing {
		u.compared()
		return
	}
	length := u.reading
	u.reading = 0
	if u.stale || u.sender == nil {
		u.stale = false
		u.next()
		return
	}
	if err := u.s.page.seal(view, u.key, u.sender.Sent(), length); err != nil {
		u.abandon(bridge.AsError(err))
		return
	}
	if err := u.s.data.send(view); err != nil {
		u.s.data.lost(bridge.WrapError(bridge.CodeOffline, err))
		return
	}
	u.ours = true
	u.sender.Advance(length, u.s.page.now())
	u.sent = u.sender.Sent()
	u.move()
	u.progress()
	u.next()
	if u.sent == u.offer.Size {
		u.s.pass()
	}
}

// unread is told that the file could not be read. before tells that some of it
// had been: then it is another file now.
func (u *upload) unread(before bool) {
	u.reading = 0
	code := bridge.CodeFileUnreadable
	if before {
		code = bridge.CodeFileChanged
	}
	if u.phase == comparing {
		u.fail(bridge.NewError(code, "")) // what the proxy has is another file, and stays
		return
	}
	u.abandon(bridge.NewError(code, ""))
}

// acked is told how much is durable.
func (u *upload) acked(m *bridge.Ack) {
	if u.sender == nil || m.Stored <= u.stored {
		return
	}
	if err := u.sender.Ack(m.Stored, time.Duration(m.Held)*time.Millisecond, u.s.page.now()); err != nil {
		u.s.data.lost(bridge.AsError(err))
		return
	}
	u.tries, u.stored = 0, m.Stored
	u.move()
	if u.sender.Done() {
		u.arrived()
		return
	}
	u.progress()
	u.next()
}

// arrived is told that every byte is durable.
func (u *upload) arrived() {
	if u.phase == delivered {
		return
	}
	u.phase, u.begun = delivered, true
	u.sent, u.stored = u.offer.Size, u.offer.Size
	u.rest()
	u.tellProgress()
	u.nudge()
	u.s.pass()
}

// nudge asks again while the proxy has not said that it accepts what arrived.
func (u *upload) nudge() {
	u.again = u.s.page.turns.after(nudgeTime, func() {
		if u.state.Incoming() {
			u.propose()
			u.nudge()
		}
	}, u.s.failed)
}

// rest gives back what sending needed.
func (u *upload) rest() {
	u.sender = nil
	u.again.stop()
	u.digested()
	u.order.waits = false
	u.order.recall.stop()
	u.telling.stop()
	_, _ = u.pump.Call("rest")
	u.reading, u.stale = 0, false
}

// changed takes the proxy's word on the upload's state.
func (u *upload) changed(m *bridge.Upload) {
	switch m.State {
	case bridge.Failed:
		err := m.Error
		if err == nil {
			err = bridge.NewError(bridge.CodeInternal, "")
		}
		u.over = true
		u.fail(err)
	case bridge.Cancelled:
		u.over = true
		u.leave(bridge.Cancelled, nil, bridge.NewError(bridge.CodeCancelled, ""))
	default:
		u.moved(m)
	}
}

func (u *upload) moved(m *bridge.Upload) {
	switch {
	case m.State.Complete() && !u.ours:
		u.keep(m)
	case m.State == bridge.Announced:
		if m.Event != nil {
			u.announced(*m.Event)
		}
	default:
		if m.State.Complete() {
			u.arrived()
		}
		u.advance(m.State)
	}
}

func (u *upload) advance(state bridge.UploadState) {
	if state == u.state || !u.state.May(state) {
		return
	}
	u.state = state
	u.step(nil, nil)
}

func (u *upload) announced(e bridge.Event) {
	u.sent, u.stored = u.offer.Size, u.offer.Size
	u.leave(bridge.Announced, &e, nil)
}

// abandon ends an upload for a reason on this side.
func (u *upload) abandon(err *bridge.Error) {
	u.s.forget(u.offer.Key)
	u.fail(err)
}

func (u *upload) fail(err *bridge.Error) { u.leave(bridge.Failed, nil, err) }

// cancel is the wish of whoever began it.
func (u *upload) cancel() {
	if u.phase != waiting {
		u.s.forget(u.offer.Key)
	}
	u.leave(bridge.Cancelled, nil, bridge.NewError(bridge.CodeCancelled, ""))
}

// leave ends it in a final state.
func (u *upload) leave(state bridge.UploadState, e *bridge.Event, err *bridge.Error) {
	u.rest()
	u.state = state
	for i, other := range u.s.uploads {
		if other == u {
			u.s.uploads = append(u.s.uploads[:i], u.s.uploads[i+1:]...)
			break
		}
	}
	u.tellProgress()
	u.step(e, err)
	u.s.pass()
}
