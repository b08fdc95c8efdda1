package client

import "attache/bridge"

// sendWhole sends a file whole with its offer, in one frame, and reports whether it does.
// The proxy must know such frames, and the file must fit into one. It is done once: if the
// answer does not come, the file is offered, and the proxy says what it has of it.
func (u *upload) sendWhole() bool {
	data := &u.s.data
	if u.offered || u.begun || !data.ready || !data.more.Offers || u.offer.Size == 0 || u.phase != offering {
		return false
	}
	sender := bridge.NewSender(u.offer.Size, 0, data.maxFrame, &data.rate)
	text := bridge.AppendMessage(nil, &u.offer)
	if sender.Piece() < u.offer.Size || int64(len(text))+u.offer.Size > data.maxFrame {
		return false
	}
	u.offered = true
	u.phase, u.sender, u.fileFrame = sending, sender, text
	u.stale = u.reading > 0
	if err := u.pump.Prepare(bridge.FrameHeader+int64(len(text)), u.offer.Size, ""); err != nil {
		u.abandon(bridge.WrapError(bridge.CodeInternal, err))
		return true
	}
	u.next()
	return true
}

// inFileFrame reports whether the file is on its way in a file frame, so that the proxy may
// not know it yet.
func (u *upload) inFileFrame() bool { return u.fileFrame != nil && u.phase == sending && u.sent > 0 }

// cancelLater remembers that an upload is to be cancelled whose file frame may arrive after
// the cancellation, because the two sockets have no order between them.
func (s *Session) cancelLater(key string) {
	if s.overtaken == nil {
		s.overtaken = map[string]bool{}
	}
	s.overtaken[key] = true
}

// takeBack cancels such an upload once the proxy has it.
func (s *Session) takeBack(key string) {
	if s.overtaken[key] {
		delete(s.overtaken, key)
		s.Discard(key)
	}
}
