package client

import (
	"time"

	"attache/bridge"
)

// upload is one file on its way from this page.
type upload struct {
	s     *Session
	call  int64
	offer bridge.Offer
	key   bridge.Key
	name  bridge.Name
	pump  Pump

	state       bridge.UploadState
	phase       phase
	begun       bool           // the proxy has accepted it before, so stored is what the proxy said
	over        bool           // the proxy says that it has ended
	held        bool           // to be offered again once the data socket is ready
	ours        bool           // this page sent what the proxy has of it, or compared that with its file
	withheld    *bridge.Upload // the report that it is complete, until ours is known
	digestAlarm *alarm         // runs while withheld is set and the proxy has not sent a digest
	tries       int            // offers since the last progress
	since       time.Duration  // when the first of these was sent

	offset     int64          // where the proxy wants to continue
	digest     string         // of what it has before that, hex
	sender     *bridge.Sender // nil until both sockets are ready for it
	reading    int64          // bytes that the pump is reading; 0: none
	stale      bool           // the piece that it is reading will be dropped
	piece      piece          // that was read and waits for credit
	fileFrame  []byte         // the offer, if the file is sent in one frame with it
	offered    bool           // an offer was sent, in whichever way
	retryAlarm *alarm
	order      order

	sent, stored  int64
	reported      time.Duration // when progress was reported last
	progressAlarm *alarm
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

// nudgeTime is how long to wait for the proxy's confirmation that all of an upload arrived.
const nudgeTime = 10 * time.Second

// propose offers the file, or the rest of it, or asks for the state of one that has
// arrived.
func (u *upload) propose() {
	u.held = false
	u.awaitAccept()
	u.progressed()
	u.follow()
	if !u.s.chat.ready || u.sendWhole() {
		return
	}
	u.offered = true
	if u.begun {
		u.offer.Acked = &u.stored
	}
	u.s.send(&u.offer)
	if u.withheld != nil {
		u.withhold(u.withheld)
	}
	if u.phase == offering && u.offer.Size > 0 {
		u.s.data.want()
	}
}

// awaitAccept makes an upload wait for accept, unless no byte of it is wanted.
func (u *upload) awaitAccept() {
	if u.phase != delivered && u.phase != comparing {
		u.phase = offering
	}
}

// onAccept handles accept: the proxy wants the file from m.Offset on.
func (u *upload) onAccept(m *bridge.Accept) {
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
	u.progressed()
	resumed := u.begun || offset > 0
	u.phase, u.begun, u.held = sending, true, false
	u.offset, u.sent, u.stored, u.digest = offset, offset, offset, m.Digest
	u.retryAlarm.stop()
	u.stopSending()
	if resumed {
		u.resume()
	} else {
		u.advance(bridge.Receiving)
	}
	u.s.data.want()
	u.start()
}

// stopSending removes the sender. A piece that is being read is dropped once it has been read.
func (u *upload) stopSending() {
	u.sender, u.piece, u.fileFrame = nil, piece{}, nil
	u.stale = u.reading > 0
}

// hold handles the loss of the data socket. When the next one is ready, the page asks
// how much arrived.
func (u *upload) hold() {
	u.stopSending()
	if u.phase == sending {
		u.phase, u.held = offering, true
	}
}

// start begins to send if the data socket is ready for it.
func (u *upload) start() {
	if u.phase != sending || u.sender != nil || !u.s.data.ready {
		return
	}
	data := &u.s.data
	u.sender = bridge.NewSender(u.offer.Size, u.offset, data.maxFrame, &data.rate)
	longest := min(data.maxFrame, u.offer.Size-u.offset)
	if err := u.pump.Prepare(bridge.FrameHeader, longest, u.digest); err != nil {
		u.abandon(bridge.WrapError(bridge.CodeInternal, err))
		return
	}
	u.next()
}

// piece is a piece of the file in a view of the host's.
type piece struct {
	view   View
	length int64 // 0: there is none
}

// next sends the piece that was read, if there is credit for it, and has the pump read the
// one after it: while a frame is sealed and sent, and waits for credit, the next is read.
func (u *upload) next() {
	if u.sender == nil {
		return
	}
	ready := u.piece
	if ready.length == 0 {
		u.read()
		return
	}
	if !u.sender.Room(ready.length) {
		return
	}
	u.piece = piece{}
	offset := u.sender.Sent()
	u.sender.Advance(ready.length, u.s.now())
	u.read()
	u.send(ready, offset)
}

// read has the pump read the next piece, unless it is reading.
func (u *upload) read() {
	offset, length := u.sender.Sent(), u.sender.Piece()
	if u.reading > 0 || length == 0 || u.mustWait(offset+length) {
		return
	}
	u.reading = length
	if err := u.pump.Read(offset, length); err != nil {
		u.abandon(bridge.WrapError(bridge.CodeInternal, err))
	}
}

// send sends a piece whose bytes count as sent already.
func (u *upload) send(p piece, offset int64) {
	if u.sender == nil {
		return // it was abandoned while the next piece was to be read
	}
	f := bridge.Frame{Key: u.key, Offset: offset, Unchecked: u.s.data.more.Unchecked, Offer: len(u.fileFrame)}
	f.Checksum = uint32(int64(len(u.fileFrame)) + p.length) // if it is Unchecked
	if err := u.pump.Seal(p.view, f, u.fileFrame, p.length); err != nil {
		u.abandon(bridge.AsError(err))
		return
	}
	if err := u.s.data.sendFrame(p.view, p.length); err != nil {
		u.s.data.lost(bridge.WrapError(bridge.CodeOffline, err))
		return
	}
	u.ours = true
	u.sent = u.sender.Sent()
	u.progressed()
	u.progress()
	if u.sent == u.offer.Size {
		u.s.pass()
	}
}

// Filled reports that the pump has read a piece: it is in the view, after the headroom.
func (s *Session) Filled(call int64, v View) { s.pumped(call, func(u *upload) { u.onFilled(v) }) }

// Unread reports that the pump could not read a piece. before says that an earlier
// piece could be read, so the file has changed since.
func (s *Session) Unread(call int64, before bool) {
	s.pumped(call, func(u *upload) { u.onUnread(before) })
}

// pumped runs f with the upload of a call; a panic fails that upload only.
func (s *Session) pumped(call int64, f func(*upload)) {
	for _, u := range s.uploads {
		if u.call == call {
			s.client.Contain(func() { f(u) }, u.abandon)
			return
		}
	}
}

func (u *upload) onFilled(v View) {
	if u.phase == comparing {
		u.onCompared()
		return
	}
	length := u.reading
	u.reading = 0
	if u.stale || u.sender == nil {
		u.stale = false
	} else {
		u.piece = piece{v, length}
	}
	u.next()
}

func (u *upload) onUnread(before bool) {
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

// onAck handles ack: everything before m.Stored is durable.
func (u *upload) onAck(m *bridge.Ack) {
	if u.sender == nil || m.Stored <= u.stored {
		return
	}
	if err := u.sender.Ack(m.Stored, time.Duration(m.Held)*time.Millisecond, u.s.now()); err != nil {
		u.s.data.lost(bridge.AsError(err))
		return
	}
	u.tries, u.stored = 0, m.Stored
	u.progressed()
	if u.sender.Done() {
		u.arrived()
		return
	}
	u.progress()
	u.next()
}

// arrived handles that every byte is durable.
func (u *upload) arrived() {
	if u.phase == delivered {
		return
	}
	u.phase, u.begun = delivered, true
	u.sent, u.stored = u.offer.Size, u.offer.Size
	u.release()
	u.reportProgress()
	u.nudge()
	u.s.pass()
}

// nudge offers again while the proxy has not confirmed that everything arrived.
func (u *upload) nudge() {
	u.retryAlarm = u.s.after(nudgeTime, func() {
		if u.state.Incoming() {
			u.propose()
			u.nudge()
		}
	})
}

// release releases the pump and stops the timers that sending needed.
func (u *upload) release() {
	u.sender, u.piece = nil, piece{}
	u.retryAlarm.stop()
	u.stopDigestAlarm()
	u.order.waits = false
	u.order.recall.stop()
	u.progressAlarm.stop()
	u.pump.Release()
	u.reading, u.stale = 0, false
}

// onState handles a state that the proxy reports.
func (u *upload) onState(m *bridge.Upload) {
	switch {
	case m.State == bridge.Failed:
		err := m.Error
		if err == nil {
			err = bridge.NewError(bridge.CodeInternal, "")
		}
		u.over = true
		u.fail(err)
	case m.State == bridge.Cancelled:
		u.over = true
		u.finish(bridge.Cancelled, nil, bridge.NewError(bridge.CodeCancelled, ""))
	case m.State.Complete() && !u.ours:
		u.withhold(m)
	case m.State == bridge.Announced:
		if m.Event != nil {
			u.sent, u.stored = u.offer.Size, u.offer.Size
			u.finish(bridge.Announced, m.Event, nil)
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
	u.report(nil, nil)
}

// abandon fails an upload for a reason on this side, and discards it at the proxy.
func (u *upload) abandon(err *bridge.Error) {
	u.discard()
	u.fail(err)
}

// discard makes the proxy cancel the upload.
func (u *upload) discard() {
	if u.inFileFrame() {
		u.s.cancelLater(u.offer.Key)
	}
	u.s.Discard(u.offer.Key)
}

func (u *upload) fail(err *bridge.Error) { u.finish(bridge.Failed, nil, err) }

// cancel ends an upload for the caller.
func (u *upload) cancel() {
	if u.phase != waiting {
		u.discard()
	}
	u.finish(bridge.Cancelled, nil, bridge.NewError(bridge.CodeCancelled, ""))
}

// finish ends an upload in a final state.
func (u *upload) finish(state bridge.UploadState, e *bridge.Event, err *bridge.Error) {
	u.release()
	u.state = state
	for i, other := range u.s.uploads {
		if other == u {
			u.s.uploads = append(u.s.uploads[:i], u.s.uploads[i+1:]...)
			break
		}
	}
	u.reportProgress()
	u.report(e, err)
	u.s.pass()
}

// Window is how many bytes of that upload may be in flight; 0 while it does not send.
func (s *Session) Window(key string) int64 {
	if u := s.find(key); u != nil && u.sender != nil {
		return u.sender.Window()
	}
	return 0
}
