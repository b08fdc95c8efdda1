package bridge_test

import (
	"time"

	"attache/bridge"
)

// link simulates the path from a page to a proxy's store and back, with a clock of
// its own: bytes queue before a bottleneck and then travel, and so does their ack.
type link struct {
	rate      float64       // bytes per second
	rtt       time.Duration // there and back, without the queue
	ackEvery  time.Duration // acks arrive at multiples of it only; 0: at once
	storeTime time.Duration // how long the store takes for each frame, as it reports
	tick      time.Duration // how coarse the page's clock is; 0: exact

	changesAt time.Duration // when the link becomes next; 0: never
	next      *link
	readTime  time.Duration // how long the page takes to read a frame from its disk
}

// sending is what a sender did with a link.
type sending struct {
	took   time.Duration
	frames []sentFrame
}

type sentFrame struct {
	at     time.Duration
	length int64
	window int64
	queue  time.Duration // how long a byte written after it waits for the link
	owed   int64         // bytes in flight with it
}

type ack struct {
	at     time.Duration
	stored int64
	held   time.Duration
}

// carry runs the sender over the link until it is done. It returns early if the
// sender neither sends nor waits for an ack.
func (l link) carry(s *bridge.Sender) sending {
	var (
		now, free time.Duration // free: when the bottleneck has taken everything
		acks      []ack
		seen      sending
	)
	for !s.Done() {
		for _, length := s.Next(); length > 0; _, length = s.Next() {
			l = l.at(now)
			s.Advance(length, l.read(now))
			free = max(free, now) + seconds(float64(length)/l.rate)
			acks = append(acks, ack{l.arrives(free + l.rtt + l.storeTime), s.Sent(), l.storeTime})
			seen.frames = append(seen.frames, sentFrame{now, length, s.Window(), free - now, s.Sent() - s.Stored()})
			now += l.readTime
			if len(acks) > 0 && acks[0].at <= now {
				break
			}
		}
		if len(acks) == 0 {
			return seen
		}
		now = max(now, acks[0].at)
		if err := s.Ack(acks[0].stored, acks[0].held, l.read(now)); err != nil {
			panic(err)
		}
		acks = acks[1:]
	}
	seen.took = now
	return seen
}

func (l link) at(now time.Duration) link {
	if l.next != nil && now >= l.changesAt {
		return *l.next
	}
	return l
}

func (l link) read(now time.Duration) time.Duration {
	if l.tick == 0 {
		return now
	}
	return now.Truncate(l.tick)
}

func (l link) arrives(at time.Duration) time.Duration {
	if l.ackEvery == 0 {
		return at
	}
	return at.Truncate(l.ackEvery) + l.ackEvery
}

// between returns what was sent from one time until another.
func (s sending) between(from, to time.Duration) []sentFrame {
	var out []sentFrame
	for _, f := range s.frames {
		if f.at >= from && f.at < to {
			out = append(out, f)
		}
	}
	return out
}

// share is how much of the link's rate the frames used in that time.
func share(frames []sentFrame, rate float64, over time.Duration) float64 {
	var bytes int64
	for _, f := range frames {
		bytes += f.length
	}
	return float64(bytes) / rate / over.Seconds()
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
