package proxy

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"
	"attache/proxy/guests"

	"github.com/coder/websocket"
)

// meter is a socket's connection, and passes on only a budget of bytes for each message.
// The length of a message is bounded elsewhere; this bounds bytes that belong to none:
// empty fragments, unsolicited pongs, headers of one-byte fragments.
type meter struct {
	net.Conn
	budget   atomic.Int64 // bytes that may still be read
	closing  atomic.Bool
	guard    guard
	liveness liveness
	breach   atomic.Int32 // the close code of a breach of RFC 6455; 0: none
	flooded  atomic.Bool  // the page sent more than the budget

	overhead atomic.Int64 // bytes that belong to no message: headers, control frames
	charged  int64        // of them, up to the last message; only the reader of messages uses it

	mu      sync.Mutex
	stopped bool // cut, maybe before there was a connection
}

const (
	spareBytes = 8 << 10 // on the wire, that a message may have beyond its own, and of what is read ahead of it
	pingBytes  = 4 << 10 // for pings in both directions between two of ours
)

// The kernel's buffers of a socket in each direction, in bytes; it doubles them. The read
// buffer of data sockets is left to the kernel, whose own bound grows with the length of a
// link that is read, and does not grow for a page whose frames are not read.
const (
	readBuffer  = 64 << 10
	writeBuffer = 64 << 10
)

// allowMessage sets the budget for a message of at most size bytes.
func (m *meter) allowMessage(size int) {
	if !m.closing.Load() && !m.flooded.Load() {
		m.budget.Store(int64(size) + spareBytes)
	}
}

// allowPings adds to the budget for pings while no message comes.
func (m *meter) allowPings() {
	if m.budget.Load() < spareBytes && !m.flooded.Load() {
		m.budget.Add(pingBytes)
	}
}

// allowClosing sets the budget for a closing handshake, which reads past all frames that
// the page had in flight. A page that has used up its budget gets none.
func (m *meter) allowClosing() {
	m.closing.Store(true)
	if m.budget.Load() > 0 {
		m.budget.Store(bridge.MaxWindow + spareBytes)
	}
}

// flood ends the reading, because the page sent more than any page needs to.
func (m *meter) flood() {
	m.flooded.Store(true)
	m.budget.Store(0)
}

// readFor limits the time of all further reads.
func (m *meter) readFor(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Conn != nil {
		m.Conn.SetReadDeadline(time.Now().Add(d))
	}
}

// cut closes the connection without a closing handshake.
func (m *meter) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	if m.Conn != nil {
		m.Conn.Close()
	}
}

// attach takes the connection, and closes it if it was cut before.
func (m *meter) attach(conn net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Conn = conn
	if m.stopped {
		conn.Close()
	}
}

// newOverhead returns how many bytes came since the last message that belonged to no
// message. The reader of messages calls it when one is whole.
func (m *meter) newOverhead() int64 {
	total := m.overhead.Load()
	n := total - m.charged
	m.charged = total
	return n
}

// Read fails once the budget is used up, and at a breach of RFC 6455.
func (m *meter) Read(p []byte) (int, error) {
	if m.breach.Load() != 0 {
		return 0, bridge.NewError(bridge.CodeMessage, "the connection breaks RFC 6455")
	}
	if m.budget.Load() <= 0 {
		m.flooded.Store(true)
		return 0, bridge.NewError(bridge.CodeMessage, "too many bytes arrived that belong to no message")
	}
	n, err := m.Conn.Read(p)
	m.liveness.read(n)
	m.budget.Add(-int64(n))
	good := m.guard.pass(p[:n])
	m.overhead.Store(m.guard.overhead)
	if good < n {
		m.fault(m.guard.breach)
		if good == 0 {
			return m.Read(p)
		}
	}
	return good, err
}

// Write counts the bytes that were written.
func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.liveness.wrote(n)
	return n, err
}

// fault makes the socket close with that code, because the page broke RFC 6455.
func (m *meter) fault(code websocket.StatusCode) { m.breach.Store(int32(code)) }

// metered puts the meter between the WebSocket library and the connection.
type metered struct {
	http.ResponseWriter
	meter      *meter
	readBuffer int
}

// Hijack is called by the library when the handshake is done.
func (w metered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// A quick page's first bytes may have come with the end of the handshake.
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	if w.meter.guard.pass(early) < len(early) {
		conn.Close()
		return nil, nil, errors.New("the first frame breaks RFC 6455")
	}
	guests.SetBuffers(conn, w.readBuffer, writeBuffer)
	w.meter.attach(conn)
	w.meter.liveness.read(1) // the request
	buffered.Writer.Reset(w.meter)
	w.meter.allowMessage(bridge.MaxHello)
	return w.meter, buffered, nil
}
