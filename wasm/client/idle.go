package client

import "time"

// idle learns that something between page and proxy ends idle sockets: a reverse
// proxy with a short time-out. The sign is that two sockets, one after the other, end
// after nearly the same idle time. The page then has the proxy ping sooner than that.
type idle struct {
	span  time.Duration // that the last one was idle before its end
	ended time.Duration // when it ended
	limit time.Duration // the limit learned; 0: none
	since time.Duration // when
}

const (
	// A shorter time may have another reason, and pings every two seconds would not
	// help; before a longer one the proxy pings by itself.
	shortestIdle = 1500 * time.Millisecond
	longestIdle  = 20 * time.Second

	shortestPing = 2 * time.Second
	together     = time.Second      // sockets that end within it end for one reason
	forgotten    = 10 * time.Minute // the limit: the page may be in another network by now
)

// end notes that a socket was ended from outside after it had been idle for that long.
func (i *idle) end(span, now time.Duration) {
	if i.ended != 0 && now-i.ended < together {
		return
	}
	before := i.span
	i.span, i.ended = 0, now
	if span < shortestIdle || span > longestIdle {
		return
	}
	i.span = span
	if apart := (span - before).Abs(); before > 0 && apart <= max(span/8, 500*time.Millisecond) {
		i.limit, i.since = min(span, before), now
	}
}

// ping is how often the proxy is to ping, in milliseconds; 0: at its own rate.
func (i *idle) ping(now time.Duration) int64 {
	if i.limit == 0 || now-i.since > forgotten {
		i.limit = 0
		return 0
	}
	return max(shortestPing, i.limit*3/5).Milliseconds()
}
