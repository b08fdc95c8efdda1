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

	rate    float64       // bytes per second the link carries; 0: unknown
	trip    time.Duration // shortest time from sending to ack seen
	mark    int64         // stored when the present measurement began
	since   time.Duration
	flights []flight // sent, not acked, oldest first
}

type flight struct {
	end int64 // offset behind the frame
	at  time.Duration
}

// Bounds of what is under way.
const (
	MinWindow = 2 * MinFrame // one frame on the link, one behind it
	MaxWindow = 8 << 20      // bytes

	frameTime  = 50 * time.Millisecond  // what a frame takes on the link
	windowTime = 150 * time.Millisecond // what all frames under way take, beyond the trip
	startFrame = 256 << 10              // before the link is known
	measure    = 20 * time.Millisecond  // shortest time a rate is computed over
)

// NewSender begins an upload of size bytes at the offset that the proxy holds.
// maxFrame is the payload length it announced.
func NewSender(size, offset, maxFrame int64) *Sender {
	s := &Sender{size: size, max: min(maxFrame, MaxFrame)}
	s.Resume(offset)
	return s
}

// Resume goes back to the offset the proxy holds, after a reconnect. What the
// link is like may have changed, so it is measured anew.
func (s *Sender) Resume(offset int64) {
	*s = Sender{size: s.size, max: s.max, sent: offset, stored: offset, mark: offset}
}

// Size, Sent and Stored are bytes.
func (s *Sender) Size() int64   { return s.size }
func (s *Sender) Sent() int64   { return s.sent }
func (s *Sender) Stored() int64 { return s.stored }

// Next returns offset and length of the next frame; length 0 means to wait for
// an ack, or that everything is sent.
func (s *Sender) Next() (offset, length int64) {
	length = min(s.frame(), s.size-s.sent)
	if s.sent > s.stored && s.sent-s.stored+length > s.Window() {
		return s.sent, 0
	}
	return s.sent, length
}

// Advance notes that a frame of that length went out.
func (s *Sender) Advance(length int64, now time.Duration) {
	if s.sent == s.stored {
		// The link was idle: what comes is measured from here.
		s.mark, s.since = s.stored, now
	}
	s.sent += length
	s.flights = append(s.flights, flight{s.sent, now})
}

// Ack notes that stored bytes are durable. An ack that goes back or beyond what
// was sent is a fault of the proxy's: code message-invalid.
func (s *Sender) Ack(stored int64, now time.Duration) error {
	if stored < s.stored || stored > s.sent {
		return invalid("an ack is out of order")
	}
	s.stored = stored
	for len(s.flights) > 0 && s.flights[0].end <= stored {
		if trip := now - s.flights[0].at; s.trip == 0 || trip < s.trip {
			s.trip = trip
		}
		s.flights = s.flights[1:]
	}
	s.estimate(now)
	return nil
}

// estimate follows the link's rate: quickly up, for the first guess is low by
// design, and slowly down.
func (s *Sender) estimate(now time.Duration) {
	elapsed := now - s.since
	if elapsed < measure && s.stored < s.sent {
		return
	}
	if elapsed <= 0 {
		return
	}
	rate := float64(s.stored-s.mark) / elapsed.Seconds()
	if rate > s.rate {
		s.rate = rate
	} else {
		s.rate += (rate - s.rate) / 4
	}
	s.mark, s.since = s.stored, now
}

func (s *Sender) frame() int64 {
	if s.rate == 0 {
		return min(startFrame, s.max)
	}
	n := int64(s.rate * frameTime.Seconds())
	return max(min(n, s.max), min(MinFrame, s.max))
}

// Window is how many bytes may be under way.
func (s *Sender) Window() int64 {
	if s.rate == 0 {
		return 2 * startFrame
	}
	n := int64(s.rate * (windowTime + s.trip).Seconds())
	return max(min(n, MaxWindow), MinWindow)
}

// Done reports whether every byte is stored.
func (s *Sender) Done() bool { return s.stored == s.size }
