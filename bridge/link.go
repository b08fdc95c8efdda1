package bridge

import "time"

// Link holds what has been measured of one connection to the proxy before an upload begins
// on it: a lower bound of its rate, in bytes per second. All uploads of a
// connection share one. A new connection gets a new one, because it may lead
// through another network. The zero Link knows nothing.
type Link struct {
	rate   float64
	proven bool // by bytes of a file, not only by a hello
}

// A measurement that took this long may lower the rate: the round trip is a small
// part of it, so the link has become slower.
const conclusive = time.Second

// Observe records that the proxy answered that many bytes after the duration took. The round
// trip and the proxy's work are part of the time, so the link carries at least
// that much. A hello and its answer count as well, but they prove little: a link
// that passes a burst before it slows down answers a hello at once.
func (l *Link) Observe(bytes int64, took time.Duration) {
	if bytes <= 0 || took <= 0 {
		return
	}
	rate, whole := float64(bytes)/took.Seconds(), bytes >= MinFrame
	if rate > l.rate || whole && took >= conclusive {
		l.rate = rate
	}
	l.proven = l.proven || whole
}

// carries returns how many bytes the link carries in d for certain; 0 for a nil link.
func (l *Link) carries(d time.Duration) int64 {
	if l == nil {
		return 0
	}
	return int64(l.rate * d.Seconds())
}

// Timeout returns how long to wait for an answer that is queued after that many
// bytes: least, which covers round trips and pauses, and the time that the
// bytes take on the link. Until the link has carried bytes of a file, that is their
// time on the slowest link.
func (l *Link) Timeout(least time.Duration, bytes int64) time.Duration {
	timeout := Timeout(least, bytes)
	if !l.proven {
		return timeout
	}
	const slack = 4 // how much slower a link may become between two measurements
	return min(timeout, least+time.Duration(slack*float64(bytes)/l.rate*float64(time.Second)))
}

// SlowestRate is the rate, in bytes per second, at which a peer must send or
// receive: 8 kbit/s. Every timeout on both ends is computed from it.
const SlowestRate = 1000

// maxTransfer bounds what Timeout adds to the least, however many bytes are under way.
const maxTransfer = 2 * time.Minute

// Timeout returns how long to wait for that many bytes: least, and their time on the
// slowest link, but at most two minutes of that.
func Timeout(least time.Duration, bytes int64) time.Duration {
	return least + min(time.Duration(bytes)*(time.Second/SlowestRate), maxTransfer)
}
