package main

import (
	"context"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// segment is the most that a link sends at once: 3.3 ms of a 10 Mbit/s line.
	segment = 4 * kib
	// backlog is the queue before the line, 100 ms of 10 Mbit/s: typical of a modem
	// or router, and the delay of new bytes when it is full.
	backlog = 125_000
	// late is how far a line may lag behind its rate and still catch up, because
	// timers are late; a longer lag means that it was idle.
	late = 20 * time.Millisecond
)

// link is a slow line between a page and a server on this machine. All its
// connections share one queue and one rate in each direction, so a bulk transfer
// delays all other bytes as it does on a real line. (A rate for each connection,
// which fault-injecting proxies offer, would let chat overtake an upload for free.)
type link struct {
	listener net.Listener
	target   string
	delay    time.Duration // each way; set it before carry
	up, down *line
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// openLink opens a free port for a link with that rate in bytes per second and that
// queue in bytes, each way. It carries nothing before carry is called.
func openLink(rate float64, queue int) (*link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &link{listener: listener, cancel: func() {}, up: newLine(rate, queue), down: newLine(rate, queue)}, nil
}

// slow changes the rate of both directions, in bytes per second.
func (l *link) slow(rate float64) {
	l.up.setRate(rate)
	l.down.setRate(rate)
}

// address is the host and port of the near end.
func (l *link) address() string { return l.listener.Addr().String() }

// carry forwards connections to target, a host and port, from now on.
func (l *link) carry(ctx context.Context, target string) {
	l.target = target
	ctx, l.cancel = context.WithCancel(ctx)
	for _, way := range []*line{l.up, l.down} {
		way.delay = l.delay
		l.running.Go(func() { way.carry(ctx) })
		l.running.Go(func() { way.deliver(ctx) })
	}
	l.running.Go(func() { l.accept(ctx) })
}

func (l *link) close() {
	l.cancel()
	_ = l.listener.Close()
	l.running.Wait()
}

func (l *link) accept(ctx context.Context) {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.running.Go(func() { l.join(ctx, near.(*net.TCPConn)) })
	}
}

// join carries one connection until both directions have ended.
func (l *link) join(ctx context.Context, near *net.TCPConn) {
	defer near.Close()
	// The handshake has to travel there and back before the first byte does.
	select {
	case <-time.After(2 * l.delay):
	case <-ctx.Done():
		return
	}
	conn, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	far := conn.(*net.TCPConn)
	defer far.Close()
	defer context.AfterFunc(ctx, func() { _, _ = near.Close(), far.Close() })()
	// Otherwise the kernel would buffer megabytes before the line.
	_ = near.SetReadBuffer(min(l.up.queued, 64*kib))
	_ = far.SetReadBuffer(min(l.down.queued, 64*kib))
	var both sync.WaitGroup
	both.Go(func() { l.up.feed(ctx, near, far) })
	both.Go(func() { l.down.feed(ctx, far, near) })
	both.Wait()
}

// line is one direction.
type line struct {
	rate    atomic.Uint64 // its float64's bits
	queued  int           // capacity in bytes
	room    *semaphore.Weighted
	queue   chan piece
	delay   time.Duration
	far     chan piece   // what is on its way for the delay
	carried atomic.Int64 // bytes
}

type piece struct {
	data []byte
	to   *net.TCPConn
	sent chan<- struct{} // set on a connection's last, empty piece
	due  time.Time       // when it arrives
}

func newLine(rate float64, queue int) *line {
	// Capacity is counted in bytes; the channel only has to be long enough for one
	// piece per byte.
	l := &line{queued: queue, room: semaphore.NewWeighted(int64(queue)), queue: make(chan piece, queue), far: make(chan piece, queue)}
	l.setRate(rate)
	return l
}

func (l *line) setRate(rate float64) { l.rate.Store(math.Float64bits(rate)) }

// feed queues the bytes of from until it ends, and then the end of to.
func (l *line) feed(ctx context.Context, from, to *net.TCPConn) {
	for {
		data := make([]byte, min(segment, l.queued/8))
		n, err := from.Read(data)
		if n > 0 {
			if l.room.Acquire(ctx, int64(n)) != nil {
				return
			}
			l.queue <- piece{data: data[:n], to: to}
		}
		if err == nil {
			continue
		}
		if err != io.EOF {
			_ = to.Close()
			return
		}
		sent := make(chan struct{})
		select {
		case l.queue <- piece{to: to, sent: sent}:
		case <-ctx.Done():
			return
		}
		select {
		case <-sent:
		case <-ctx.Done():
		}
		return
	}
}

// carry sends the queued pieces in order at the line's rate.
func (l *line) carry(ctx context.Context) {
	var free time.Time // when the line has sent all pieces so far
	for {
		var p piece
		select {
		case p = <-l.queue:
		case <-ctx.Done():
			return
		}
		if now := time.Now(); now.Sub(free) > late {
			free = now
		}
		free = free.Add(time.Duration(float64(len(p.data)) / math.Float64frombits(l.rate.Load()) * float64(time.Second)))
		select {
		case <-time.After(time.Until(free)):
		case <-ctx.Done():
			return
		}
		l.room.Release(int64(len(p.data)))
		l.carried.Add(int64(len(p.data)))
		p.due = free.Add(l.delay)
		select {
		case l.far <- p:
		case <-ctx.Done():
			return
		}
	}
}

// deliver writes what has been on its way for the delay.
func (l *line) deliver(ctx context.Context) {
	for {
		var p piece
		select {
		case p = <-l.far:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(time.Until(p.due)):
		case <-ctx.Done():
			return
		}
		if p.sent != nil {
			_ = p.to.CloseWrite()
			close(p.sent)
			continue
		}
		if _, err := p.to.Write(p.data); err != nil {
			_ = p.to.Close()
		}
	}
}
