package main

import (
	"time"

	"github.com/hack-pad/safejs"
)

// backoff spaces tries: twice as long each time, and of random length, so that
// the pages of a proxy that restarts do not come back together.
type backoff struct{ tries int }

const (
	firstWait    = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

func (b *backoff) next() time.Duration {
	wait := min(firstWait<<min(b.tries, 10), longestPause)
	b.tries++
	return wait/2 + time.Duration(random()*float64(wait/2))
}

func (b *backoff) reset() { b.tries = 0 }

func random() float64 {
	math, err := safejs.Global().Get("Math")
	if err != nil {
		return 0
	}
	v, err := math.Call("random")
	if err != nil {
		return 0
	}
	f, _ := v.Float()
	return f
}
