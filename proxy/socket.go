package proxy

import (
	"context"
	crypto "crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"attache/bridge"
	"attache/proxy/guests"

	"github.com/coder/websocket"
)

// Deadlines of a socket.
const (
	writeTimeout         = 20 * time.Second // a peer that takes nothing for so long is gone, unless much is in flight
	pingEvery            = 20 * time.Second
	pingBudget           = 32               // pings and pongs a page may send between two pings of ours; browsers send one pong
	closeTimeout         = 2 * time.Second  // of a closing handshake
	strangerCloseTimeout = time.Second      // of one before the page is authenticated
	refusalDelay         = time.Second      // before a party's surplus socket is refused
	clockSkew            = 30 * time.Second // a token is accepted for so long after its end: clocks differ
)

// socket is one WebSocket connection whose page has said hello.
type socket struct {
	conn     *websocket.Conn
	base     context.Context // the proxy's
	id       string          // in the log and in errors
	path     string          // which of the two sockets it is
	who      Identity
	log      *slog.Logger
	refusals *refusalLog
	pinged   atomic.Int32
	meter    meter
	within   time.Duration // for a message from its first byte to its last, beyond what its bytes take
	hello    *bridge.Hello
	expiry   *time.Timer // ends it when its token does
	rate     *rateLimit  // of its party
	admitted atomic.Bool // its token is valid, and it is within the limits

	cancelDrain func() bool // this socket is closing already
}

// upgrade does what both sockets have in common: it checks origin, subprotocol, the first
// message and its token. readBuffer is the size of the kernel's buffer for what the page
// sends, in bytes; 0 leaves it to the kernel. When it returns nil the request has been
// answered.
func (p *Proxy) upgrade(w http.ResponseWriter, r *http.Request, readBuffer int) *socket {
	s := &socket{base: p.ctx, id: newID(), path: r.URL.Path, refusals: p.refusals, within: p.cfg.MessageTimeout}
	s.log = p.cfg.Log.With("conn", s.id)
	if !p.admit(w, r) {
		return nil
	}
	p.hintReverseProxy(r)
	leave := p.waiting.Acquire(p.trusted.from(r), s.meter.cut)
	if leave == nil {
		p.replyError(w, r, bridge.NewError(bridge.CodeBusy, ""))
		return nil
	}
	defer leave()
	if !p.enter() {
		p.replyError(w, r, bridge.NewError(bridge.CodeBusy, "this proxy is shutting down"))
		return nil
	}
	conn, err := websocket.Accept(metered{w, &s.meter, readBuffer}, r, &websocket.AcceptOptions{
		Subprotocols:       []string{bridge.Subprotocol},
		InsecureSkipVerify: true, // the exact list was checked above
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { return s.control() },
		OnPongReceived:     func(context.Context, []byte) { s.control() },
	})
	if err != nil {
		p.running.Done()
		p.refusals.warn(s.log, bridge.CodeMessage, append([]any{"error", err}, p.noteRefusedDial(r, bridge.CodeMessage)...)...)
		return nil
	}
	s.conn = conn
	s.cancelDrain = context.AfterFunc(p.draining, func() { s.bye(p.ctx) })
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	// A context would cut the connection before the reason could be sent.
	sent := make(chan struct{})
	late := time.AfterFunc(p.cfg.HelloTimeout, func() {
		defer close(sent)
		leave()
		s.fail(r.Context(), bridge.NewError(bridge.CodeTimeout, "the first message did not arrive in time"))
	})
	err = p.greet(ctx, s)
	inTime := late.Stop()
	if err == nil && inTime {
		s.admitted.Store(true)
		guests.MarkKnown(r.Context())
		s.expiry = time.AfterFunc(lifetime(s.who.Expires), func() {
			s.fail(p.ctx, bridge.NewError(bridge.CodeTokenExpired, ""))
		})
		return s
	}
	leave()
	if err != nil {
		s.fail(r.Context(), err)
	}
	if !inTime {
		<-sent // nothing may outlive the socket
	}
	p.exit(s)
	return nil
}

// lifetime is how long a socket may stay open whose token expires then. A token may be
// valid practically for ever, and a sum beyond 292 years would be negative.
func lifetime(expires time.Time) time.Duration {
	return min(time.Until(expires), math.MaxInt64-clockSkew) + clockSkew
}

// greet reads the first message and checks its token.
func (p *Proxy) greet(ctx context.Context, s *socket) error {
	if s.conn.Subprotocol() != bridge.Subprotocol {
		return bridge.NewError(bridge.CodeVersion, "this proxy speaks "+bridge.Subprotocol)
	}
	s.conn.SetReadLimit(bridge.MaxHello)
	kind, message, err := s.conn.Read(ctx)
	if bridge.CodeOf(err) != "" {
		return err
	}
	if err != nil {
		return bridge.WrapError(bridge.CodeOffline, err)
	}
	if kind != websocket.MessageText {
		return bridge.NewError(bridge.CodeMessage, "the first message must be a hello in JSON")
	}
	if err := s.checkText(kind, message); err != nil {
		return err
	}
	m, err := bridge.FromPage(message)
	if err != nil {
		return err
	}
	hello, ok := m.(*bridge.Hello)
	if !ok {
		return bridge.NewError(bridge.CodeMessage, "the first message must be a hello")
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.HelloTimeout)
	defer cancel()
	s.who, err = p.cfg.Auth.Authenticate(ctx, hello.Token)
	if err != nil {
		return err
	}
	p.hintToken(s.who, time.Now())
	if hello.SecureKey != "" {
		s.who.Join.SecureKey = hello.SecureKey
	}
	hello.Token, hello.SecureKey = "", ""
	s.hello = hello
	// The lower version counts: a page may be older than its token says, and a token
	// may hide files from a party by an old version.
	if v := hello.ClientVersion; v != 0 && (s.who.Party.ClientVersion == 0 || v < s.who.Party.ClientVersion) {
		s.who.Party.ClientVersion = v
	}
	s.log = s.log.With("session", s.who.Session, "user", s.who.Party.UserID)
	if err := s.who.Party.Check(); err != nil {
		return err
	}
	if s.rate, err = p.rates.enter(s); err != nil {
		// A page that dials again at once then costs one handshake a second.
		select {
		case <-time.After(refusalDelay):
		case <-ctx.Done():
		}
		return err
	}
	s.meter.liveness.party.Store(s.rate)
	return p.rates.admit(ctx, s.rate)
}

// control bounds how many pings and pongs a page may send, because a ping costs a write. It
// runs within a read; after too many the next read fails.
func (s *socket) control() bool {
	if s.pinged.Add(1) <= pingBudget {
		return true
	}
	s.meter.flood()
	return false
}

// checkText fails the connection if a text is not UTF-8 (RFC 6455, 8.1).
func (s *socket) checkText(kind websocket.MessageType, message []byte) error {
	if kind != websocket.MessageText || utf8.Valid(message) {
		return nil
	}
	s.meter.fault(websocket.StatusInvalidFramePayloadData)
	return bridge.NewError(bridge.CodeMessage, "the text is not UTF-8")
}

// readText reads a text that has begun; free gives its buffer back. Few texts are longer
// than the small buffer, so a part of one holds little memory. If the connection is cut
// within a message it may return a part, because the library reports the cut as the
// message's end: JSON then lacks its last brace.
func (s *socket) readText(r io.Reader) (message []byte, free func(), err error) {
	came := s.timed(r)
	defer came.watch()()
	small := smallBuffers.Get().(*[]byte)
	n, err := io.ReadFull(came, *small)
	if messageEnded(err) {
		return (*small)[:n], func() { smallBuffers.Put(small) }, nil
	}
	defer smallBuffers.Put(small)
	if err != nil {
		return nil, nil, err
	}
	large := textBuffers.Get().(*[]byte)
	copy(*large, *small)
	more, err := io.ReadFull(came, (*large)[n:])
	if messageEnded(err) {
		return (*large)[:n+more], func() { textBuffers.Put(large) }, nil
	}
	textBuffers.Put(large)
	if err == nil { // the buffer is one byte longer than a text may be
		err = bridge.NewError(bridge.CodeMessageSize, "")
	}
	return nil, nil, err
}

// textBuffers are buffers for one message each, a byte longer than one may be. A socket
// holds one only from a message's first byte to its last, because most sockets are idle
// most of the time.
var textBuffers = sync.Pool{New: func() any {
	b := make([]byte, bridge.MaxMessage+1)
	return &b
}}

// timed ends the socket when a message that has begun takes too long. A context would cut
// the connection before the reason could be sent, also that of a message that is too
// long.
func (s *socket) timed(r io.Reader) *timedReader {
	return &timedReader{Reader: r, within: s.within, came: s.meter.liveness.came, late: func() {
		s.fail(s.base, bridge.NewError(bridge.CodeTimeout, "a message did not arrive in time"))
	}}
}

// messageEnded reports whether a read ended with its message, and not by a fault.
func messageEnded(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// send writes one message. The library cuts a connection in the middle of a write whose
// context ends, and then the reason could not be sent: so only Close ends a write.
func (s *socket) send(ctx context.Context, m bridge.Wire) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	message := bridge.AppendMessage(nil, m)
	// Bytes of other messages that the link still carries come first.
	ahead := min(s.meter.liveness.owed.Load(), bridge.MaxMessage)
	ctx, cancel := context.WithTimeout(s.base, bridge.Timeout(writeTimeout, ahead+int64(len(message))))
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, message)
}

// fail ends the socket and sends the reason, as a message and as a close code.
func (s *socket) fail(ctx context.Context, err error) {
	e := s.publicError(err)
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	s.send(ctx, &bridge.Fail{Error: *e})
	s.meter.allowClosing()
	if !s.admitted.Load() {
		s.meter.readFor(strangerCloseTimeout)
	}
	code := closeCode(e.Code)
	if breach := s.meter.breach.Load(); breach != 0 {
		code = websocket.StatusCode(breach)
	}
	s.conn.Close(code, string(e.Code))
}

// publicError returns what the page may see of any error, with the connection's id so
// that the log can be searched for it.
func (s *socket) publicError(err error) *bridge.Error {
	e := *bridge.AsError(err)
	e.ID = s.id
	if e.Code == bridge.CodeInternal || e.Err != nil {
		s.refusals.warn(s.log, e.Code, "error", err)
	}
	return &e
}

// closeCode is the closest of RFC 6455's codes; the message before it is exact.
func closeCode(c bridge.Code) websocket.StatusCode {
	switch c {
	case bridge.CodeInternal:
		return websocket.StatusInternalError
	case bridge.CodeMessageSize:
		return websocket.StatusMessageTooBig
	case bridge.CodeBusy:
		return websocket.StatusTryAgainLater
	}
	return websocket.StatusPolicyViolation
}

// bye sends the page a random time after which to come back, and ends the socket.
func (s *socket) bye(ctx context.Context) {
	after := 200*time.Millisecond + rand.N(1800*time.Millisecond)
	s.send(ctx, &bridge.Bye{After: after.Milliseconds()})
	s.meter.allowClosing()
	s.conn.Close(websocket.StatusServiceRestart, "restarting")
}

func newID() string {
	var b [6]byte
	crypto.Read(b[:])
	return hex.EncodeToString(b[:])
}
