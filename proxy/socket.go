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

// Deadlines of a socket whose page is known.
const (
	writeTime   = 20 * time.Second // a peer that takes nothing for so long is gone, unless much is on its way
	pingEvery   = 20 * time.Second
	pingBudget  = 32 // pings and pongs a page may send between two pings of ours; browsers send one pong
	drainTime   = 2 * time.Second
	hurryTime   = time.Second      // for the closing handshake of whoever has not said who they are
	tooManyTime = time.Second      // before a socket too many is refused
	skewTime    = 30 * time.Second // a token is believed for so long after its end: clocks differ
)

// socket is one WebSocket connection whose page has said who it is.
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
	stopBye  func() bool // it has ended: a drain does not tell it
	expiry   *time.Timer // ends it when its token does
	rate     *rateLimit  // of its party
	known    atomic.Bool // whoever it is may be here
}

// upgrade does what both sockets have in common: origin, subprotocol, the
// first message and its token, all before anything is believed. readBuffer is what
// the kernel keeps of what the page sends, in bytes; 0 leaves it to the kernel. When
// it returns nil the request is answered.
func (p *Proxy) upgrade(w http.ResponseWriter, r *http.Request, readBuffer int) *socket {
	s := &socket{base: p.ctx, id: newID(), path: r.URL.Path, refusals: p.refusals, within: p.cfg.MessageTimeout}
	s.log = p.cfg.Log.With("conn", s.id)
	if !p.admit(w, r) {
		return nil
	}
	p.hintReverseProxy(r)
	leave := p.waiting.Acquire(p.trusted.from(r), s.meter.cut)
	if leave == nil {
		p.refuse(w, r, bridge.NewError(bridge.CodeBusy, ""))
		return nil
	}
	defer leave()
	if !p.enter() {
		p.refuse(w, r, bridge.NewError(bridge.CodeBusy, "this proxy is going out of service"))
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
	s.stopBye = context.AfterFunc(p.leaving, func() { s.bye(p.ctx) })
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	// A context would cut the connection before the reason could be told.
	told := make(chan struct{})
	late := time.AfterFunc(p.cfg.HelloTimeout, func() {
		defer close(told)
		leave()
		s.fail(r.Context(), bridge.NewError(bridge.CodeTimeout, "the first message did not come in time"))
	})
	err = p.greet(ctx, s)
	intime := late.Stop()
	if err == nil && intime {
		s.known.Store(true)
		guests.MarkKnown(r.Context())
		s.expiry = time.AfterFunc(lasts(s.who.Expires), func() {
			s.fail(p.ctx, bridge.NewError(bridge.CodeTokenExpired, ""))
		})
		return s
	}
	leave()
	if err != nil {
		s.fail(r.Context(), err)
	}
	if !intime {
		<-told // nothing may outlive the socket
	}
	p.exit(s)
	return nil
}

// lasts is how long a socket may stay whose token ends then. A token may be without end
// for all practical purposes, and a sum beyond 292 years would be negative.
func lasts(expires time.Time) time.Duration {
	return min(time.Until(expires), math.MaxInt64-skewTime) + skewTime
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
		return bridge.NewError(bridge.CodeMessage, "the first message is a hello in JSON")
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
		return bridge.NewError(bridge.CodeMessage, "the first message is a hello")
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.HelloTimeout)
	defer cancel()
	s.who, err = p.cfg.Auth.Authenticate(ctx, hello.Token)
	if err != nil {
		return err
	}
	p.hintToken(s.who, time.Now())
	hello.Token = ""
	s.hello = hello
	// The lower one counts: a page may be older than its token says, and a token
	// may keep files from a party.
	if v := hello.ClientVersion; v != 0 && (s.who.Party.ClientVersion == 0 || v < s.who.Party.ClientVersion) {
		s.who.Party.ClientVersion = v
	}
	s.log = s.log.With("session", s.who.Session, "user", s.who.Party.UserID)
	if err := s.who.Party.Check(); err != nil {
		return err
	}
	if s.rate, err = p.rates.enter(s); err != nil {
		// Whoever comes back at once for a socket too many costs a handshake a second.
		select {
		case <-time.After(tooManyTime):
		case <-ctx.Done():
		}
		return err
	}
	s.meter.liveness.party.Store(s.rate)
	return p.rates.admit(ctx, s.rate)
}

// control bounds how many pings and pongs a page may send: a ping costs a write. It
// runs within a read, which is over with the next bytes if there were too many.
func (s *socket) control() bool {
	if s.pinged.Add(1) <= pingBudget {
		return true
	}
	s.meter.flood()
	return false
}

// checkText fails the connection where a text is not UTF-8 (RFC 6455, 8.1).
func (s *socket) checkText(kind websocket.MessageType, message []byte) error {
	if kind != websocket.MessageText || utf8.Valid(message) {
		return nil
	}
	s.meter.fault(websocket.StatusInvalidFramePayloadData)
	return bridge.NewError(bridge.CodeMessage, "the text is not UTF-8")
}

// readText reads a text that has begun; free gives its buffer back. Few are longer than
// the small buffer, so whoever sends a part of one holds little. Of a connection that is
// cut within a message it may return a part, because the library reports the cut as the
// message's end: JSON then lacks its last brace.
func (s *socket) readText(r io.Reader) (message []byte, free func(), err error) {
	came := s.timed(r)
	defer came.watch()()
	small := smallBuffers.Get().(*[]byte)
	n, err := io.ReadFull(came, *small)
	if ended(err) {
		return (*small)[:n], func() { smallBuffers.Put(small) }, nil
	}
	defer smallBuffers.Put(small)
	if err != nil {
		return nil, nil, err
	}
	large := textBuffers.Get().(*[]byte)
	copy(*large, *small)
	more, err := io.ReadFull(came, (*large)[n:])
	if ended(err) {
		return (*large)[:n+more], func() { textBuffers.Put(large) }, nil
	}
	textBuffers.Put(large)
	if err == nil { // the buffer is one byte longer than a text may be
		err = bridge.NewError(bridge.CodeMessageSize, "")
	}
	return nil, nil, err
}

// textBuffers are buffers for one message each, a byte longer than one may be. A socket has
// one from a message's first byte to its last, because most sockets are idle most of the
// time.
var textBuffers = sync.Pool{New: func() any {
	b := make([]byte, bridge.MaxMessage+1)
	return &b
}}

// timed ends the socket when a message that has begun takes too long. A context
// would cut the connection before the reason could be told, also that of a message
// that is too long.
func (s *socket) timed(r io.Reader) *timedReader {
	return &timedReader{Reader: r, within: s.within, late: func() {
		s.fail(s.base, bridge.NewError(bridge.CodeTimeout, "a message did not come whole in time"))
	}}
}

// ended tells the end of a message from a fault.
func ended(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }

// send writes one message. The library cuts a connection in the middle of a write
// whose context ends, and then nobody could be told why: only the proxy's own end
// does that.
func (s *socket) send(ctx context.Context, m bridge.Wire) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	message := bridge.AppendMessage(nil, m)
	// What another message took of the line, or still takes, comes first.
	ahead := min(s.meter.liveness.owed.Load(), bridge.MaxMessage)
	ctx, cancel := context.WithTimeout(s.base, bridge.Timeout(writeTime, ahead+int64(len(message))))
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, message)
}

// fail ends the socket with the reason, as a message and as a close code.
func (s *socket) fail(ctx context.Context, err error) {
	e := s.judge(err)
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	s.send(ctx, &bridge.Fail{Error: *e})
	s.meter.end()
	if !s.known.Load() {
		s.meter.hurry(hurryTime)
	}
	code := closeCode(e.Code)
	if breach := s.meter.breach.Load(); breach != 0 {
		code = websocket.StatusCode(breach)
	}
	s.conn.Close(code, string(e.Code))
}

// judge makes of any error what may be told, with the connection's id so that
// the log can be searched for it.
func (s *socket) judge(err error) *bridge.Error {
	e := *bridge.AsError(err)
	e.ID = s.id
	if e.Code == bridge.CodeInternal || e.Err != nil {
		s.refusals.warn(s.log, e.Code, "error", err)
	}
	return &e
}

// closeCode chooses among the standard's codes; the message before it is exact.
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

// bye tells the page when to come back, each at another time, and ends the
// socket.
func (s *socket) bye(ctx context.Context) {
	after := 200*time.Millisecond + rand.N(1800*time.Millisecond)
	s.send(ctx, &bridge.Bye{After: after.Milliseconds()})
	s.meter.end()
	s.conn.Close(websocket.StatusServiceRestart, "restarting")
}

func newID() string {
	var b [6]byte
	crypto.Read(b[:])
	return hex.EncodeToString(b[:])
}
