//go:build !js

package page

import (
	"math/rand/v2"
	"time"

	"attache/wasm/client"
)

// host returns what the client needs from this platform.
func (p *Page) host() client.Host {
	return client.Host{
		Now: func() time.Duration { return time.Since(p.begun) },
		After: func(d time.Duration, f func()) func() {
			timer := time.AfterFunc(d, func() { p.loop.post(f) })
			return func() { timer.Stop() }
		},
		Date:   func() int64 { return time.Now().UnixMilli() },
		Random: rand.Float64,
		Log:    func(string) {}, // the client's reports contain what it logs
		Idle:   func() {},
	}
}

// The pause before the next attempt doubles; each page waits a random part of it.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

func pauseBefore(try int) time.Duration {
	d := min(firstPause<<min(try-1, 10), lastPause)
	return d/2 + rand.N(d/2)
}
