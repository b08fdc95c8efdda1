package client

import "time"

// backoff spaces tries: twice as long each time, and of random length, so that
// the pages of a proxy that restarts do not come back together.
type backoff struct{ tries int }

const (
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

func (b *backoff) next(random func() float64) time.Duration {
	pause := min(firstPause<<min(b.tries, 10), longestPause)
	b.tries++
	return pause/2 + time.Duration(random()*float64(pause/2))
}

func (b *backoff) reset() { b.tries = 0 }
