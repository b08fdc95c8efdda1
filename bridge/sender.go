package bridge

import "time"

// Sender is the page's side of one upload on the data socket: how much may be
// sent now, from which offset, and what has arrived. It does no I/O and reads no
// clock; its caller passes the time.
//
// One number, the bytes stored, is credit, progress and resume point. Bytes in
// flight are bounded twice: by count, and by the time the link needs for them,
// so that a text on the same link never waits long.
type Sender struct {
	size   int64
	sent   int64 // handed to the socket
	stored int64 // acked
	max    int64 // payload bytes of one frame, as the proxy says
	link   *Link // this connection's; nil: nothing is known about it
	pace   pace
	drain  bool // send nothing until the link is idle: minRTT has expired
}

// Bounds of what is in flight. A slow line decides the lower ones: at 16 kbit/s
// the smallest frame takes two seconds, and the smallest window four.
const (
	MinWindow = 2 * MinFrame // one frame on the link, one waiting
	MaxWindow = 8 << 20      // bytes

	frameTime  = 50 * time.Millisecond  // how long a frame takes on the link
	windowTime = 150 * time.Millisecond // how long all frames in flight take, beyond the RTT

	// Each frame costs the proxy a write to its store, and small ones count against
	// their party's rate limit. On a slow link a frame of up to slowFrame may take longer.
	slowFrame = 64 << 10
	slowTime  = 500 * time.Millisecond

	// The longest that the first frame may take on a link whose rate has only a lower
	// bound. A file of up to startFrame bytes is sent as one frame if that fits.
	startTime  = 4 * time.Second
	startFrame = 256 << 10

	// The first frames of a longer file are shorter: the first one is the rttProbe,
	// and its own time on the link blurs the sample.
	probeTime  = 2 * time.Second
	probeFrame = 64 << 10
)

// NewSender begins or continues an upload of size bytes at the offset that the
// proxy holds. maxFrame is the payload length it announced. Every connection has
// its own senders, which measure it from the start. They share its link, which may
// be nil.
func NewSender(size, offset, maxFrame int64, link *Link) *Sender {
	return &Sender{size: size, max: max(1, min(maxFrame, MaxFrame)), sent: offset, stored: offset, link: link}
}

// Size, Sent and Stored are bytes.
func (s *Sender) Size() int64   { return s.size }
func (s *Sender) Sent() int64   { return s.sent }
func (s *Sender) Stored() int64 { return s.stored }

// Next returns offset and length of the next frame. Length 0 means that everything
// is sent, or that an ack must arrive first.
func (s *Sender) Next() (offset, length int64) {
	if length = s.Piece(); !s.Room(length) {
		return s.sent, 0
	}
	return s.sent, length
}

// Piece is how long the next frame would be, which may be read before there is credit for
// it; 0: everything is sent.
func (s *Sender) Piece() int64 { return min(s.frame(), s.size-s.sent) }

// Room reports whether a frame of that length may be sent now.
func (s *Sender) Room(length int64) bool {
	return s.idle() || !s.drain && s.sent-s.stored+length <= s.Window()
}

func (s *Sender) idle() bool { return s.sent == s.stored }

// Advance records that a frame of that length was sent.
func (s *Sender) Advance(length int64, now time.Duration) {
	idle := s.idle()
	if idle {
		s.drain = false
	}
	s.sent += length
	s.pace.send(sentFrame{end: s.sent, length: length, stored: s.stored, at: now, idle: idle})
}

// Ack records that stored bytes are durable; the store took storeTime for the last
// of them. An ack that goes back, or beyond the bytes sent, is the proxy's fault:
// code message-invalid.
func (s *Sender) Ack(stored int64, storeTime, now time.Duration) error {
	if stored < s.stored || stored > s.sent {
		return invalid("an ack is out of order")
	}
	s.stored = stored
	if bytes, took := s.pace.ack(stored, storeTime, now); s.link != nil {
		s.link.Observe(bytes, took)
	}
	s.drain = s.drain || s.pace.expired(now)
	return nil
}

// frame is the length of the next frame, before the file's end and the window cut it.
func (s *Sender) frame() int64 {
	rate, left := s.pace.bandwidth(), s.size-s.sent
	switch whole := s.link.carries(startTime); {
	case rate > 0:
		slow := min(slowFrame, int64(rate*slowTime.Seconds()))
		return s.bound(max(int64(rate*frameTime.Seconds()), slow))
	case s.idle() && left <= min(whole, startFrame):
		return s.bound(left)
	}
	return s.bound(min(s.link.carries(probeTime), probeFrame))
}

func (s *Sender) bound(frame int64) int64 { return min(max(frame, MinFrame), s.max) }

// Window is how many bytes may be in flight. One frame always may.
func (s *Sender) Window() int64 {
	return max(min(s.pace.window(), MaxWindow), 2*s.frame(), MinWindow)
}

// Done reports whether every byte is stored.
func (s *Sender) Done() bool { return s.stored == s.size }
