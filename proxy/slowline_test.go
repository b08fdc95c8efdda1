package proxy_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	sender "attache/wasm/page"
)

// slowLine is a link to a server with a rate in bytes a second upward, for all its
// connections together.
type slowLine struct {
	listener net.Listener
	rate     float64
	sent     atomic.Int64 // bytes upward
	running  sync.WaitGroup

	mu   sync.Mutex
	free time.Time // when the line has carried all bytes that it was given
}

func laySlowLine(t *testing.T, to string, rate float64) *slowLine {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &slowLine{listener: listener, rate: rate}
	l.running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			l.running.Go(func() { l.join(near, to) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.running.Wait()
	})
	return l
}

func (l *slowLine) join(near net.Conn, to string) {
	defer near.Close()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	var down sync.WaitGroup
	down.Go(func() {
		io.Copy(near, far)
		near.Close()
	})
	io.Copy(far, carried{near, l})
	far.Close()
	down.Wait()
}

// carried reads the bytes that come up the link, a small piece at a time.
type carried struct {
	io.Reader
	l *slowLine
}

func (c carried) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p[:min(len(p), 1<<10)])
	c.l.sent.Add(int64(n))
	c.l.mu.Lock()
	if now := time.Now(); c.l.free.Before(now) {
		c.l.free = now
	}
	c.l.free = c.l.free.Add(time.Duration(float64(n) / c.l.rate * float64(time.Second)))
	wait := time.Until(c.l.free)
	c.l.mu.Unlock()
	<-time.After(wait)
	return n, err
}

// B54: a file that takes twice as long on its link as a message may take without a byte is
// sent once.
func TestB54FileSlowerThanMessageTimeoutArrives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.MessageTimeout = 3 * time.Second })
	l := laySlowLine(t, strings.TrimPrefix(w.Server.URL, "http://"), 25<<10)
	p := sender.Open(sender.Options{
		Address: func() string { return "http://" + l.listener.Addr().String() },
		Token:   w.agent, Origin: origin, Module: true,
	})
	defer p.Close()
	const size = 150 << 10
	u := &sender.Upload{Key: newKey(), Name: "a.bin", Content: random(size)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it once never arrived
	defer cancel()
	require.NoError(t, p.Send(ctx, u))
	require.NotEqual(t, bridge.Failed, u.State)
	require.Zero(t, u.Resent)
	require.LessOrEqual(t, l.sent.Load(), int64(1.3*size+16<<10))
}
