package bridge

import "time"

// Link is what is known of one connection to the proxy before an upload begins
// on it: how many bytes per second it carries at least. All uploads of a
// connection share one, and every new connection has its own, because it may
// lead through another network. The zero Link knows nothing.
type Link struct {
	rate   float64
	proven bool // by bytes of a file, not only by a hello
}

// A measurement that took so long is believed even where it is lower than what
// was known: the trip is a small part of it, so the link has become slower.
const telling = time.Second

// Took notes that the proxy answered so many bytes after that time. The trip
// and the proxy's work are part of the time, so the link carries at least that
// much. A hello and its answer are such a measurement, too, but a link that lets
// a burst pass before it slows down answers a hello at once.
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

// carries is how many bytes the link surely takes in d; nil takes none.
func (l *Link) carries(d time.Duration) int64 {
	if l == nil {
		return 0
	}
	return int64(l.rate * d.Seconds())
}

// Patience is how long to wait for an answer that so many bytes may be ahead of:
// least, which covers trips and pauses, and what they take on the link. Of one
// that has carried none of a file yet, that is what they take on the slowest one.
func (l *Link) Patience(least time.Duration, bytes int64) time.Duration {
	wait := Patience(least, bytes)
	if !l.proven {
		return wait
	}
	const slack = 4 // what a link may become slower, between two measurements
	return min(wait, least+time.Duration(slack*float64(bytes)/l.rate*float64(time.Second)))
}

// SlowestRate is what a peer has to send or take, in bytes per second, to be
// waited for: 8 kbit/s. Both ends hold to it, whatever they wait for.
const SlowestRate = 1000

// mostPatience bounds what is waited beyond the least, whatever is under way.
const mostPatience = 2 * time.Minute

// Patience is how long to wait for so many bytes: least, and the time that the
// slowest link takes for them, two minutes at most.
func Patience(least time.Duration, bytes int64) time.Duration {
	return least + min(time.Duration(bytes)*(time.Second/SlowestRate), mostPatience)
}
