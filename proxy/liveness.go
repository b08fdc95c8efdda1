package proxy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"
)

// liveness shows whether a connection's peer is alive. Any byte counts, not only a pong:
// on a slow link a pong comes after all that the page has sent before it, and a ping
// after all that we have.
type liveness struct {
	heard atomic.Int64              // when the last byte came
	bytes atomic.Int64              // that have come
	owed  atomic.Int64              // bytes written since then: they may arrive before a ping
	party atomic.Pointer[rateLimit] // records bytes of any of the party's sockets; nil before the hello
}

const (
	// For so long a silent socket counts as alive if another socket of the party is:
	// longer than a link is ever busy with what one page has in flight.
	longestSilence = 2 * time.Minute

	// The library closes a connection whose ping cannot be written within 5 s. While more
	// bytes than this are not known to have arrived, none is written.
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
	l.bytes.Add(int64(n))
	l.owed.Store(0)
	if party := l.party.Load(); party != nil {
		party.heard.Store(at)
	}
}

// came returns how many bytes have come, and when the last one did.
func (l *liveness) came() (bytes, last int64) { return l.bytes.Load(), l.heard.Load() }

func (l *liveness) wrote(n int) { l.owed.Add(int64(n)) }

// silence is how long the peer has been silent.
func (l *liveness) silence() time.Duration { return time.Duration(now() - l.heard.Load()) }

// gone reports whether the peer has been silent for longer than a slow link explains.
func (l *liveness) gone() bool {
	silent := l.silence()
	if silent <= bridge.Timeout(writeTimeout, l.owed.Load()) {
		return false
	}
	party := l.party.Load()
	busy := party != nil && time.Duration(now()-party.heard.Load()) < writeTimeout
	return !busy || silent > longestSilence
}

// keepAlive pings until stop is called, or closes when the peer is gone. Between two pings it
// is a timer, not a goroutine, whose stack is the most that a quiet socket costs.
func (s *socket) keepAlive(ctx context.Context) (stop func()) {
	k := &keepAlive{socket: s, every: pingEvery, allowed: now()}
	if s.hello.Ping > 0 {
		k.every = max(pingLeast, min(k.every, time.Duration(s.hello.Ping)*time.Millisecond))
	}
	ctx, cancel := context.WithCancel(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer = time.AfterFunc(k.every, func() { k.beat(ctx) })
	return func() {
		cancel()
		k.mu.Lock()
		defer k.mu.Unlock()
		k.timer.Stop()
	}
}

type keepAlive struct {
	socket  *socket
	every   time.Duration
	mu      sync.Mutex // held during a beat
	timer   *time.Timer
	allowed int64 // when the page was last allowed further pings
}

func (k *keepAlive) beat(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	s := k.socket
	if time.Duration(now()-k.allowed) >= pingEvery {
		s.pinged.Store(0)
		s.meter.allowPings()
		k.allowed = now()
	}
	begun := now()
	if s.ping(ctx) != nil && s.meter.liveness.gone() {
		s.conn.CloseNow()
		return
	}
	k.timer.Reset(max(0, k.every-time.Duration(now()-begun)))
}

// ping returns an error if no pong came in time.
func (s *socket) ping(ctx context.Context) error {
	if s.meter.liveness.owed.Load() > pingAhead {
		return context.DeadlineExceeded
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return s.conn.Ping(ctx)
}
