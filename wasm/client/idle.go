package client

import "time"

// idle finds out that something between page and proxy, such as a reverse proxy with
// a short timeout, ends idle sockets. The sign is that two sockets, one after the
// other, end after nearly the same idle time. The page then asks the proxy to ping
// more often than that.
type idle struct {
	span  time.Duration // how long the last socket was idle before its end
	ended time.Duration // when it ended
	limit time.Duration // the limit learned; 0: none
	since time.Duration // when
}

const (
	// A shorter idle time may have another reason, and pings every two seconds would
	// not help; within a longer one the proxy pings anyway.
	shortestIdle = 1500 * time.Millisecond
	longestIdle  = 20 * time.Second

	shortestPing = 2 * time.Second
	together     = time.Second      // sockets that end within this time end for one reason
	forgotten    = 10 * time.Minute // the limit is dropped: the page may be in another network by now
)

// end records that a socket was ended from outside after it had been idle for span.
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
