package main

import "time"

// idle learns that something between page and proxy ends sockets that are quiet:
// a reverse proxy with a short time-out. It shows when two of them, one after the
// other, end after nearly the same quiet time. The page then has the proxy ping
// sooner than that.
type idle struct {
	span  time.Duration // that the last one was quiet before its end
	ended time.Duration // when it ended
	limit time.Duration // what was learned; 0: nothing
	since time.Duration // when
}

const (
	// Whatever ends sooner may have another reason, and is not mended by pings
	// every two seconds; later than that the proxy pings by itself.
	shortestIdle = 1500 * time.Millisecond
	longestIdle  = 20 * time.Second

	leastPing = 2 * time.Second
	together  = time.Second      // sockets that end within it end for one reason
	forgotten = 10 * time.Minute // what was learned: the page may be elsewhere by now
)

// end takes note that a socket was ended from outside after it had been quiet for
// that long.
func (i *idle) end(quiet, now time.Duration) {
	if i.ended != 0 && now-i.ended < together {
		return
	}
	before := i.span
	i.span, i.ended = 0, now
	if quiet < shortestIdle || quiet > longestIdle {
		return
	}
	i.span = quiet
	if apart := (quiet - before).Abs(); before > 0 && apart <= max(quiet/8, 500*time.Millisecond) {
		i.limit, i.since = min(quiet, before), now
	}
}

// ping is how often the proxy is to ping, in milliseconds; 0: as it likes.
func (i *idle) ping(now time.Duration) int64 {
	if i.limit == 0 || now-i.since > forgotten {
		i.limit = 0
		return 0
	}
	return max(leastPing, i.limit*3/5).Milliseconds()
}
