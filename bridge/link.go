package bridge

import "time"

// Link is what is known about one connection to the proxy before an upload begins
// on it: a lower bound of its rate, in bytes per second. All uploads of a
// connection share one, and every new connection has its own, because it may
// lead through another network. The zero Link knows nothing.
type Link struct {
	rate   float64
	proven bool // by bytes of a file, not only by a hello
}

// A measurement that took so long is believed even where it is lower than what
// was known: the trip is a small part of it, so the link has become slower.
const telling = time.Second

// Took records that the proxy answered so many bytes after that time. The round
// trip and the proxy's work are part of the time, so the link carries at least
// that much. A hello and its answer are such a measurement as well, but a link
// that lets a burst pass before it slows down answers a hello at once.
func (l *Link) Took(bytes int64, took time.Duration) {
	if bytes <= 0 || took <= 0 {
		return
	}
	rate, whole := float64(bytes)/took.Seconds(), bytes >= MinFrame
	if rate > l.rate || whole && took >= telling {
		l.rate = rate
	}
	l.proven = l.proven || whole
}

// carries returns how many bytes the link certainly carries in d; a nil link carries none.
func (l *Link) carries(d time.Duration) int64 {
	if l == nil {
		return 0
	}
	return int64(l.rate * d.Seconds())
}

// Patience returns how long to wait for an answer that is behind so many bytes:
// least, which covers round trips and pauses, and the time that the bytes take on
// the link. As long as the link has carried no bytes of a file, that is their time
// on the slowest link.
func (l *Link) Patience(least time.Duration, bytes int64) time.Duration {
	wait := Patience(least, bytes)
	if !l.proven {
		return wait
	}
	const slack = 4 // what a link may become slower, between two measurements
	return min(wait, least+time.Duration(slack*float64(bytes)/l.rate*float64(time.Second)))
}

// SlowestRate is the rate, in bytes per second, at which a peer has to send or take
// data to be waited for: 8 kbit/s. Both ends use it for every wait.
const SlowestRate = 1000

// mostPatience bounds what is waited beyond the least, whatever is under way.
const mostPatience = 2 * time.Minute

// Patience returns how long to wait for so many bytes: least, and the time that
// they take on the slowest link, which counts for two minutes at most.
func Patience(least time.Duration, bytes int64) time.Duration {
	return least + min(time.Duration(bytes)*(time.Second/SlowestRate), mostPatience)
}
