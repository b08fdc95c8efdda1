package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"

	"github.com/coder/websocket"
)

// requestTime bounds what one request of a page may take at the chat server,
// the engine and the store together.
const requestTime = 15 * time.Second

// session is one chat socket: a party's connection to its chat session.
type session struct {
	*socket
	proxy *Proxy

	mu      sync.Mutex
	changed map[string]Record // uploads whose news the page has not been sent
	wake    chan struct{}
	left    atomic.Bool // the party says goodbye: its events end, and that is not a fault

	joined  int64         // the session's last event when the page came
	limits  bridge.Limits // of this party, when it joined
	unclear int           // messages that could not be understood
}

// maxUnclear is how many messages that make no sense a page may send: a fault
// of one message does not end a chat, and a flood of them does.
const maxUnclear = 16

// serveChat runs a chat socket from its handshake to its end.
func (p *Proxy) serveChat(w http.ResponseWriter, r *http.Request) {
	socket := p.upgrade(w, r, readBuffer)
	if socket == nil {
		return
	}
	defer p.exit(socket)
	s := &session{socket: socket, proxy: p, changed: map[string]Record{}, wake: make(chan struct{}, 1)}
	// The request's context ends with its handler; the proxy's ends with Close.
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(p.ctx, func() { cancel(errClosed) })()
	if err := s.run(ctx, cancel); err != nil {
		s.fail(context.WithoutCancel(ctx), err)
		return
	}
	s.conn.CloseNow()
}

// run joins the chat session and then reads requests while two goroutines tell
// the page what happens. A nil error means that the page went away.
func (s *session) run(ctx context.Context, cancel context.CancelCauseFunc) error {
	if err := s.proxy.presence.enter(ctx, s.who); err != nil {
		return err
	}
	defer func() { s.proxy.presence.exit(s.who, s.left.Load()) }()
	joined, err := s.join(ctx)
	if err != nil {
		return err
	}
	if err := s.welcome(ctx, joined); err != nil {
		return nil
	}
	stop := s.proxy.cfg.Records.Watch(s.who.Session, s.note)
	defer stop()
	var tellers sync.WaitGroup
	defer tellers.Wait()
	defer cancel(nil)
	tellers.Go(func() { s.alive(ctx) })
	tellers.Go(func() {
		if err := s.tellEvents(ctx); !s.left.Load() {
			s.part(ctx, err)
			cancel(err)
		}
	})
	tellers.Go(func() { cancel(s.sendUploads(ctx)) })
	s.log.Info("connected", "type", s.who.Party.UserType)
	err = s.serve(ctx)
	cause := context.Cause(ctx)
	s.log.Info("disconnected", "left", s.left.Load())
	var told *bridge.Error
	switch {
	case s.left.Load():
		return nil
	case errors.As(err, &told):
		return told
	case errors.As(cause, &told):
		return told
	}
	return nil
}

// part tells the page why its events have ended: the session's end, or that another
// page has taken the party out. To cancel the reading first would cut the connection
// before the reason is through.
func (s *session) part(ctx context.Context, err error) {
	var told *bridge.Error
	if errors.As(err, &told) {
		s.fail(context.WithoutCancel(ctx), told)
	}
}

func (s *session) join(ctx context.Context) (Joined, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	joined, err := s.proxy.join(ctx, s.who)
	if err != nil {
		return joined, err
	}
	s.who.Party, s.joined, s.limits = joined.Party, joined.Position, joined.Limits
	return joined, nil
}

func (s *session) welcome(ctx context.Context, joined Joined) error {
	rights := make([]string, len(s.who.Rights))
	for i, r := range s.who.Rights {
		rights[i] = string(r)
	}
	return s.send(ctx, &bridge.Welcome{
		Session: s.who.Session, Party: s.who.Party, Rights: rights, Limits: joined.Limits,
		Position: joined.Position, MaxFrame: int64(s.proxy.cfg.MaxFrame), Server: bridge.Version, ID: s.id,
	})
}

// serve answers requests one after the other, in the order they came.
func (s *session) serve(ctx context.Context) error {
	s.conn.SetReadLimit(-1) // hear bounds messages itself, and says so in words
	for {
		m, err := s.hear(ctx)
		if unclear := (*unclear)(nil); errors.As(err, &unclear) {
			if s.unclear++; s.unclear > maxUnclear {
				return unclear.error
			}
			err = s.replyFail(ctx, 0, "", unclear.error)
		} else if err == nil {
			err = s.answer(ctx, m)
		}
		if err != nil {
			return err
		}
		if s.left.Load() {
			return s.conn.Close(websocket.StatusNormalClosure, "left")
		}
	}
}

// unclear is a message that makes no sense.
type unclear struct{ error }

// hear reads the next message, when the party's pace allows it.
func (s *session) hear(ctx context.Context) (bridge.Wire, error) {
	s.meter.next(bridge.MaxMessage)
	kind, r, err := s.conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	message, free, err := s.readText(r)
	if err != nil {
		return nil, err
	}
	defer free()
	if err := s.checkText(kind, message); err != nil {
		return nil, err
	}
	if err := s.rate.charge(ctx, 1+overhead(s.meter.spent())); err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, bridge.NewError(bridge.CodeMessage, "the chat socket carries text messages only")
	}
	m, err := bridge.FromPage(message)
	if err != nil {
		return nil, &unclear{err}
	}
	return m, nil
}

// answer does what m asks for; an error ends the socket.
func (s *session) answer(ctx context.Context, m bridge.Wire) error {
	work, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	switch m := m.(type) {
	case *bridge.Say:
		return s.say(work, m)
	case *bridge.Offer:
		return s.offer(work, m)
	case *bridge.Cancel:
		return s.cancel(work, m)
	case *bridge.Ask:
		return s.ask(work, m)
	case *bridge.Leave:
		return s.leave(work, m)
	case *bridge.Ping:
		return s.send(ctx, &bridge.Done{Ref: m.Ref})
	}
	return bridge.NewError(bridge.CodeMessage, "a second hello")
}

// replyFail sends the page that a request or an upload failed; the chat continues.
func (s *session) replyFail(ctx context.Context, ref int64, key string, err error) error {
	if ctx.Err() != nil && context.Cause(ctx) == context.DeadlineExceeded {
		err = bridge.WrapError(bridge.CodeTimeout, err)
	}
	return s.send(context.WithoutCancel(ctx), &bridge.Fail{Ref: ref, Key: key, Error: *s.judge(err)})
}

func (s *session) say(ctx context.Context, m *bridge.Say) error {
	e, err := s.proxy.say(ctx, s.who, m)
	if err != nil {
		return s.replyFail(ctx, m.Ref, "", err)
	}
	return s.send(ctx, &bridge.Done{Ref: m.Ref, Event: &e})
}

func (s *session) offer(ctx context.Context, m *bridge.Offer) error {
	offered, err := s.proxy.transfers.Offer(ctx, s.who, Offer{
		Key: m.Key, After: m.After, Conn: s.id, Limits: s.limits,
		Name: m.Name, Size: m.Size, MimeType: m.MimeType, UploadType: m.UploadType,
		Description: m.Description, Custom: m.Custom, Visibility: m.Visibility, Digest: m.Digest,
	})
	if err != nil {
		return s.replyFail(ctx, 0, m.Key, err)
	}
	if !offered.Incoming {
		return s.offerOver(ctx, offered.Record)
	}
	if err := s.send(ctx, &bridge.Accept{Key: m.Key, Offset: offered.Offset, Digest: offered.Digest}); err != nil {
		return err
	}
	return s.sendLimits(ctx)
}

// offerOver answers an offer of an upload that needs no byte, or has ended. A page
// that has sent none of it compares its file with the digest: two files may share
// name, size and date.
func (s *session) offerOver(ctx context.Context, r Record) error {
	if r.State.Complete() {
		if err := s.send(ctx, &bridge.Accept{Key: r.Key, Offset: r.Size, Digest: r.Digest}); err != nil {
			return err
		}
	}
	s.note(r)
	return nil
}

func (s *session) cancel(ctx context.Context, m *bridge.Cancel) error {
	if err := s.proxy.transfers.Cancel(ctx, s.who, m.Key); err != nil {
		return s.replyFail(ctx, 0, m.Key, err)
	}
	return nil
}

func (s *session) ask(ctx context.Context, m *bridge.Ask) error {
	ticket, err := s.proxy.ticket(ctx, s.who, s.id, m)
	if err != nil {
		return s.replyFail(ctx, m.Ref, "", err)
	}
	if err := s.send(ctx, ticket); err != nil {
		return err
	}
	return s.sendLimits(ctx)
}

func (s *session) leave(ctx context.Context, m *bridge.Leave) error {
	s.left.Store(true)
	if err := s.proxy.takeOut(ctx, s.who, m.After); err != nil {
		s.left.Store(false)
		return s.replyFail(ctx, m.Ref, "", err)
	}
	return s.send(ctx, &bridge.Done{Ref: m.Ref})
}
