package bridge

import "time"

// Sender is the page's side of one upload on the data socket: how much may be
// sent now, from where, and what has arrived. It does no I/O and reads no
// clock; time comes in.
//
// One number, the bytes stored, is credit, progress and resume point. What may
// be under way is bounded twice: in bytes, and in the time the link needs for
// it, so that a text on the same link never waits long.
type Sender struct {
	size   int64
	sent   int64 // handed to the socket
	stored int64 // acked
	max    int64 // payload bytes of one frame, by the proxy
	link   *Link // of this connection; nil: nothing is known of it
	pace   pace
	drain  bool // wait until the link is idle: the trip is to be measured anew
}

// Bounds of what is under way. A slow line decides the small ones: at 16 kbit/s
// the least frame takes two seconds, and the least window four.
const (
	MinWindow = 2 * MinFrame // one frame on the link, one behind it
	MaxWindow = 8 << 20      // bytes

	frameTime  = 50 * time.Millisecond  // what a frame takes on the link
	windowTime = 150 * time.Millisecond // what all frames under way take, beyond the trip

	// Each frame costs the proxy a write to its store, and small ones are charged to
	// their party. On a slow link a frame may take longer, up to this length.
	slowFrame = 64 << 10
	slowTime  = 500 * time.Millisecond

	// What the first frame takes at most on a link of which only a lower bound is
	// known. A file of up to startFrame bytes goes out as one frame if it fits.
	startTime  = 4 * time.Second
	startFrame = 256 << 10

	// Of anything longer the first frames are shorter: the first one measures the
	// trip, and its own time on the link blurs that.
	probeTime  = 2 * time.Second
	probeFrame = 64 << 10
)

// NewSender begins or continues an upload of size bytes at the offset that the
// proxy holds. maxFrame is the payload length it announced. Every connection has
// its own senders: what the link is like is measured anew. They share its link,
// which may be nil.
func NewSender(size, offset, maxFrame int64, link *Link) *Sender {
	return &Sender{size: size, max: max(1, min(maxFrame, MaxFrame)), sent: offset, stored: offset, link: link}
}

// Size, Sent and Stored are bytes.
func (s *Sender) Size() int64   { return s.size }
func (s *Sender) Sent() int64   { return s.sent }
func (s *Sender) Stored() int64 { return s.stored }

// Next returns offset and length of the next frame; length 0 means to wait for
// an ack, or that everything is sent.
func (s *Sender) Next() (offset, length int64) {
	length = min(s.frame(), s.size-s.sent)
	if !s.idle() && (s.drain || s.sent-s.stored+length > s.Window()) {
		return s.sent, 0
	}
	return s.sent, length
}

func (s *Sender) idle() bool { return s.sent == s.stored }

// Advance notes that a frame of that length went out.
func (s *Sender) Advance(length int64, now time.Duration) {
	idle := s.idle()
	if idle {
		s.drain = false
	}
	s.sent += length
	s.pace.send(flight{end: s.sent, length: length, stored: s.stored, at: now, idle: idle})
}

// Ack notes that stored bytes are durable, of which the store held the last for
// that long. An ack that goes back or beyond what
// was sent is a fault of the proxy's: code message-invalid.
func (s *Sender) Ack(stored int64, held, now time.Duration) error {
	if stored < s.stored || stored > s.sent {
		return invalid("an ack is out of order")
	}
	s.stored = stored
	if bytes, took := s.pace.ack(stored, held, now); s.link != nil {
		s.link.Took(bytes, took)
	}
	s.drain = s.drain || s.pace.stale(now)
	return nil
}

// frame is the length of the next frame, but for the file's end and the window.
func (s *Sender) frame() int64 {
	rate, left := s.pace.rate(), s.size-s.sent
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

// Window is how many bytes may be under way; one frame always may.
func (s *Sender) Window() int64 {
	return max(min(s.pace.window(), MaxWindow), 2*s.frame(), MinWindow)
}

// Done reports whether every byte is stored.
func (s *Sender) Done() bool { return s.stored == s.size }
