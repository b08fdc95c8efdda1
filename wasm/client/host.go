package client

import (
	"time"

	"attache/bridge"
)

// Host is what a client needs of the platform it runs on. No function may block.
type Host struct {
	Now    func() time.Duration                            // since any fixed moment; never goes back
	After  func(d time.Duration, f func()) (cancel func()) // on any goroutine
	Date   func() (milliseconds int64)                     // since 1970
	Random func() float64                                  // from 0 up to 1
	Log    func(text string)                               // for developers
	Idle   func()                                          // a socket is gone: a good moment to free memory
}

// Options say what a session connects to and to which host it reports.
type Options struct {
	URL           string // the proxy's, without the path of a socket
	ClientVersion int64  // 0: [bridge.VersionCurrent]
	SecureKey     string // of a party that another program has registered; empty: the token's, if it has one

	// Of a session that continues after the program that opened it has ended.
	ID       string
	Position int64 // the last event that the host has
	User     string

	Dial   func(url string, l Listener) (*Socket, error)
	Report func(w Word, call int64, text []byte)
}

// Listener receives the events of one socket until that is closed. It may be called on
// any goroutine, also from within Dial.
type Listener func(Event)

// Event is something that happened to a socket.
type Event struct {
	Kind EventKind
	Text string        // of Opened: the subprotocol; of Received: the message
	Err  *bridge.Error // of Closed
}

// EventKind is the kind of an event.
type EventKind int

// The kinds of event.
const (
	Opened EventKind = iota
	Received
	Closed // it has ended, or could not be opened
)

// Socket is a WebSocket of the subprotocol bridge.Subprotocol. It sends in order,
// and buffers what the network does not take yet.
type Socket struct {
	Send      func(text []byte) error
	SendFrame func(View) error
	Buffered  func() int // bytes
	Close     func()     // in good order: what was sent still arrives
}

// View is a frame in the host's memory: headroom for bridge.FrameHeader bytes and an
// offer, if it has one, and a piece of a file. A client only passes it on, so that file content never has to
// enter its memory.
type View any

// Pump reads one file for an upload.
type Pump struct {
	// Prepare announces the reads of one connection: headroom, the longest piece, and
	// the SHA-256 in hex of everything before the first piece. The pump compares its
	// file with that if it has not read those bytes itself; if digest is empty, it
	// compares nothing.
	Prepare func(header, longest int64, digest string) error
	// Read leads to one call of [Session.Filled] or [Session.Unread], unless Release
	// comes first. Length 0 only compares. The next read may begin before the view of
	// the last one is sent, so two of them are in use at a time.
	Read func(offset, length int64) error
	// Seal writes the frame's header into the headroom, with the checksum of the payload
	// unless the frame is Unchecked, and after it the offer, if it has one. length is that
	// of the piece.
	Seal func(v View, f bridge.Frame, offer []byte, length int64) error
	// Release frees buffers and file until the next read.
	Release func()
}
