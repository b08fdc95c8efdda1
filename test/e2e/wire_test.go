package e2e

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// wire carries all connections from pages to a proxy. File bytes go up at a limited
// rate, and WebSockets can be cut at any of these bytes.
type wire struct {
	t        *testing.T
	listener net.Listener
	to       string
	running  sync.WaitGroup

	mu   sync.Mutex
	open map[*end]bool
	rate int64 // bytes a second of data sockets; 0: no limit
	next *cut  // to come
}

// end is a page's end of one connection.
type end struct {
	*net.TCPConn
	path string // of its first request

	silent chan struct{} // nothing is passed on until it is closed; nil: not silent
}

// cut is one point at which WebSockets are cut.
type cut struct {
	left   int64 // bytes of data sockets until then
	all    bool  // chat sockets as well
	reset  bool  // by RST, as by a router that has lost its state; else by FIN
	silent bool  // neither: the connection stays open and silent
	done   chan struct{}
}

// acrossWire opens a page of another origin with a wire to its proxy.
func acrossWire(t *testing.T, rate int64, open func() *page) (*desk, *wire) {
	t.Helper()
	host := startHost(t)
	d := &desk{command: startCommand(t, "demo", "--origin", host.origin()), address: host.origin() + "/"}
	w := layWire(t, strings.TrimPrefix(d.command.origin(), "http://"), rate)
	host.proxy = w.origin()
	d.page = open()
	d.agent, d.customer = side{d.page, "agent"}, side{d.page, "customer"}
	d.expect(goneQuiet)
	d.page.open(d.address)
	d.connected()
	return d, w
}

// layWire opens a wire to that host and port.
func layWire(t *testing.T, to string, rate int64) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{t: t, listener: listener, to: to, rate: rate, open: map[*end]bool{}}
	w.running.Go(w.accept)
	t.Cleanup(func() {
		listener.Close()
		w.speak()
		w.mu.Lock()
		for e := range w.open {
			e.Close()
		}
		w.mu.Unlock()
		w.running.Wait()
	})
	return w
}

func (w *wire) origin() string { return "http://" + w.listener.Addr().String() }

// cut waits until that many more bytes of files have passed, and cuts there.
func (w *wire) cut(after int64, all, reset bool) {
	w.t.Helper()
	w.at(&cut{left: after, all: all, reset: reset})
}

// hush waits until that many more bytes of files have passed; from then on open
// sockets pass nothing on in either direction.
func (w *wire) hush(after int64) {
	w.t.Helper()
	w.at(&cut{left: after, all: true, silent: true})
}

// speak ends all silence.
func (w *wire) speak() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for e := range w.open {
		if e.silent != nil {
			close(e.silent)
			e.silent = nil
		}
	}
}

func (w *wire) at(c *cut) {
	w.t.Helper()
	c.done = make(chan struct{})
	w.mu.Lock()
	w.next = c
	w.mu.Unlock()
	select {
	case <-c.done:
	case <-time.After(time.Minute):
		require.Fail(w.t, "too few bytes come for the next cut")
	}
}

// widen removes the rate limit.
func (w *wire) widen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rate = 0
}

func (w *wire) accept() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.running.Go(func() { w.carry(&end{TCPConn: c.(*net.TCPConn)}) })
	}
}

// carry passes one connection on until either end closes it.
func (w *wire) carry(near *end) {
	defer near.Close()
	c, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	far := c.(*net.TCPConn)
	defer far.Close()
	// Otherwise the kernel would buffer megabytes before the wire.
	near.SetReadBuffer(piece)
	w.mu.Lock()
	w.open[near] = true
	w.mu.Unlock()
	var down sync.WaitGroup
	down.Go(func() {
		io.Copy(passing{w, near}, far)
		w.audible(near)
		near.Close()
	})
	w.up(near, far)
	far.Close()
	down.Wait()
	w.mu.Lock()
	delete(w.open, near)
	w.mu.Unlock()
}

// audible waits until that connection is not silent.
func (w *wire) audible(e *end) {
	w.mu.Lock()
	silent := e.silent
	w.mu.Unlock()
	if silent != nil {
		<-silent
	}
}

// passing carries the bytes to a page.
type passing struct {
	w  *wire
	to *end
}

func (p passing) Write(b []byte) (int, error) {
	p.w.audible(p.to)
	return p.to.Write(b)
}

// piece is the most that goes up at once.
const piece = 16 << 10

func (w *wire) up(near *end, far *net.TCPConn) {
	buf := make([]byte, piece)
	for {
		n, err := near.Read(buf)
		w.audible(near)
		if n > 0 {
			if _, err := far.Write(w.addressed(near, buf[:n])); err != nil {
				return
			}
			<-time.After(w.passed(near, int64(n))) // the wire is as slow as that
		}
		if err != nil {
			return
		}
	}
}

// addressed replaces the host of requests in a piece by the proxy's, because the demo
// answers no other. It reads the path from the first request.
func (w *wire) addressed(e *end, b []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.path == bridge.PathData {
		return b
	}
	if line, _, _ := bytes.Cut(b, []byte("\r\n")); e.path == "" {
		e.path, _, _ = strings.Cut(strings.Fields(string(line) + " - -")[1], "?")
	}
	return bytes.ReplaceAll(b, []byte("Host: "+w.listener.Addr().String()), []byte("Host: "+w.to))
}

// passed counts bytes of a data socket, and cuts if a cut is due. It returns the time
// that the bytes take on the wire.
func (w *wire) passed(e *end, n int64) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.path != bridge.PathData {
		return 0
	}
	if c := w.next; c != nil {
		if c.left -= n; c.left <= 0 {
			w.next = nil
			w.sever(c)
			close(c.done)
			return 0
		}
	}
	if w.rate == 0 {
		return 0
	}
	return time.Duration(n) * time.Second / time.Duration(w.rate)
}

func (w *wire) sever(c *cut) {
	for e := range w.open {
		if e.path != bridge.PathData && (!c.all || e.path != bridge.PathChat) {
			continue
		}
		if c.silent {
			e.silent = make(chan struct{})
			continue
		}
		if c.reset {
			e.SetLinger(0)
		}
		e.Close()
	}
}
