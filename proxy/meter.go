package proxy

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync/atomic"

	"attache/bridge"

	"github.com/coder/websocket"
)

// meter is a socket's connection, which gives only so many bytes for one message.
// What a message may hold is bounded elsewhere; this bounds what brings nothing:
// empty pieces, pongs that nobody asked for, headers of a byte each.
type meter struct {
	net.Conn
	left    atomic.Int64
	closing atomic.Bool
	guard   guard
	life    life
	breach  atomic.Int32 // the close code of a breach of RFC 6455; 0: none
}

const (
	spareRoom = 64 << 10 // bytes on the wire that a message may have beyond its own
	pingRoom  = 8 << 10  // and what pings in both directions need between two of ours
)

// next makes room for a message of at most size bytes.
func (m *meter) next(size int) {
	if !m.closing.Load() {
		m.left.Store(int64(size) + spareRoom)
	}
}

// rest makes room for pings where no message comes.
func (m *meter) rest() {
	if m.left.Load() < spareRoom {
		m.left.Add(pingRoom)
	}
}

// end makes room for a closing handshake, which reads over all frames that the
// page had under way. Whoever has used the room up gets none.
func (m *meter) end() {
	m.closing.Store(true)
	if m.left.Load() > 0 {
		m.left.Store(bridge.MaxWindow + spareRoom)
	}
}

// Read fails once the room is used up, and at a breach of RFC 6455.
func (m *meter) Read(p []byte) (int, error) {
	if m.breach.Load() != 0 {
		return 0, bridge.NewError(bridge.CodeMessage, "the connection does not keep to RFC 6455")
	}
	if m.left.Load() <= 0 {
		return 0, bridge.NewError(bridge.CodeMessage, "too many bytes came with nothing in them")
	}
	n, err := m.Conn.Read(p)
	m.life.read(n)
	m.left.Add(-int64(n))
	good := m.guard.pass(p[:n])
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
	m.life.wrote(n)
	return n, err
}

// fault has the socket close with that code, because the page broke RFC 6455.
func (m *meter) fault(code websocket.StatusCode) { m.breach.Store(int32(code)) }

// metered puts the meter between the WebSocket library and the connection.
type metered struct {
	http.ResponseWriter
	meter *meter
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
		return nil, nil, errors.New("the first frame does not keep to RFC 6455")
	}
	w.meter.Conn = conn
	w.meter.life.read(1) // the request
	buffered.Writer.Reset(w.meter)
	w.meter.next(bridge.MaxHello)
	return w.meter, buffered, nil
}
