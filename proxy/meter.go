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

// meter is a socket's connection, which hands on only so many bytes for one message.
// The length of a message is bounded elsewhere; this bounds what belongs to none: empty
// fragments, unsolicited pongs, headers of one-byte fragments.
type meter struct {
	net.Conn
	left     atomic.Int64
	closing  atomic.Bool
	guard    guard
	liveness liveness
	breach   atomic.Int32 // the close code of a breach of RFC 6455; 0: none
	flooded  atomic.Bool  // more came than there was room for

	empty  atomic.Int64 // bytes that were no message's: headers, control frames
	before int64        // of them, up to the last message; whoever reads the messages uses it

	mu   sync.Mutex
	gone bool // cut before there was a connection
}

const (
	spareRoom = 8 << 10 // bytes on the wire that a message may have beyond its own, and what is read ahead of it
	pingRoom  = 4 << 10 // and what pings in both directions need between two of ours
)

// What the kernel keeps for a socket in each direction, in bytes; it doubles them.
// What data sockets bring is left to the kernel, whose own bound grows with a long
// link that is read, and not for a page whose sending nobody reads.
const (
	readBuffer  = 64 << 10
	writeBuffer = 64 << 10
)

// next makes room for a message of at most size bytes.
func (m *meter) next(size int) {
	if !m.closing.Load() && !m.flooded.Load() {
		m.left.Store(int64(size) + spareRoom)
	}
}

// rest makes room for pings where no message comes.
func (m *meter) rest() {
	if m.left.Load() < spareRoom && !m.flooded.Load() {
		m.left.Add(pingRoom)
	}
}

// end makes room for a closing handshake, which reads past all frames that the page had
// under way. A page that has used its room up gets none.
func (m *meter) end() {
	m.closing.Store(true)
	if m.left.Load() > 0 {
		m.left.Store(bridge.MaxWindow + spareRoom)
	}
}

// flood ends the reading: more came than anybody needs to send.
func (m *meter) flood() {
	m.flooded.Store(true)
	m.left.Store(0)
}

// hurry leaves so much time for whatever is still read.
func (m *meter) hurry(d time.Duration) {
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
	m.gone = true
	if m.Conn != nil {
		m.Conn.Close()
	}
}

// begin takes the connection over, or cuts it.
func (m *meter) begin(conn net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Conn = conn
	if m.gone {
		conn.Close()
	}
}

// spent is how many bytes came since the last message that were no message's.
// Whoever reads the messages asks, when one is whole.
func (m *meter) spent() int64 {
	empty := m.empty.Load()
	spent := empty - m.before
	m.before = empty
	return spent
}

// Read fails once the room is used up, and at a breach of RFC 6455.
func (m *meter) Read(p []byte) (int, error) {
	if m.breach.Load() != 0 {
		return 0, bridge.NewError(bridge.CodeMessage, "the connection breaks RFC 6455")
	}
	if m.left.Load() <= 0 {
		m.flooded.Store(true)
		return 0, bridge.NewError(bridge.CodeMessage, "too many bytes came with nothing in them")
	}
	n, err := m.Conn.Read(p)
	m.liveness.read(n)
	m.left.Add(-int64(n))
	good := m.guard.pass(p[:n])
	m.empty.Store(m.guard.empty)
	if good < n {
		m.fault(m.guard.breach)
		if good == 0 {
			return m.Read(p)
		}
	}
	return good, err
}

// Write notes what was written.
func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	m.liveness.wrote(n)
	return n, err
}

// fault has the socket close with that code, because the page broke RFC 6455.
func (m *meter) fault(code websocket.StatusCode) { m.breach.Store(int32(code)) }

// metered puts the meter between the WebSocket library and the connection.
type metered struct {
	http.ResponseWriter
	meter      *meter
	readBuffer int
}

// Hijack is what the library calls when the handshake is done.
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
	w.meter.begin(conn)
	w.meter.liveness.read(1) // the request
	buffered.Writer.Reset(w.meter)
	w.meter.next(bridge.MaxHello)
	return w.meter, buffered, nil
}
