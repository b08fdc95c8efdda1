package proxy

import (
	"context"
	"sync/atomic"
	"time"

	"attache/bridge"
)

// liveness is what a connection shows about its peer. Any byte counts, not only a
// pong: on a slow line a pong waits behind everything that the page sends, and a ping
// behind everything that it was sent.
type liveness struct {
	heard atomic.Int64              // when the last byte came
	owed  atomic.Int64              // bytes written since: they may be ahead of a ping
	party atomic.Pointer[rateLimit] // hears what any of the party's sockets hears; nil before the hello
}

const (
	// A socket that brings nothing itself is kept alive by the party's others for
	// so long. Longer than a line is ever busy with what one page has under way.
	longestSilence = 2 * time.Minute

	// The library closes a connection whose ping cannot be written within 5 s. With
	// more than this not known to have arrived none is written.
	pingAhead = 16 << 10

	// pingLeast is the shortest time between pings that a page may ask for.
	pingLeast = 2 * time.Second
)

var started = time.Now()

func now() int64 { return int64(time.Since(started)) }

func (l *liveness) read(n int) {
	if n == 0 {
		return
	}
	at := now()
	l.heard.Store(at)
	l.owed.Store(0)
	if party := l.party.Load(); party != nil {
		party.heard.Store(at)
	}
}

func (l *liveness) wrote(n int) { l.owed.Add(int64(n)) }

// silence is how long the peer has been silent.
func (l *liveness) silence() time.Duration { return time.Duration(now() - l.heard.Load()) }

// gone reports whether the peer has been silent for longer than a slow line
// explains.
func (l *liveness) gone() bool {
	silent := l.silence()
	if silent <= bridge.Timeout(writeTime, l.owed.Load()) {
		return false
	}
	party := l.party.Load()
	busy := party != nil && time.Duration(now()-party.heard.Load()) < writeTime
	return !busy || silent > longestSilence
}

// alive pings until ctx ends or the peer is gone, and then closes.
func (s *socket) alive(ctx context.Context) {
	every := pingEvery
	if s.hello.Ping > 0 {
		every = max(pingLeast, min(every, time.Duration(s.hello.Ping)*time.Millisecond))
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for rested := now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if time.Duration(now()-rested) >= pingEvery {
			s.pinged.Store(0)
			s.meter.rest()
			rested = now()
		}
		if s.ping(ctx) != nil && s.meter.liveness.gone() {
			s.conn.CloseNow()
			return
		}
	}
}

// ping returns an error where no pong came in time.
func (s *socket) ping(ctx context.Context) error {
	if s.meter.liveness.owed.Load() > pingAhead {
		return context.DeadlineExceeded
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	return s.conn.Ping(ctx)
}
