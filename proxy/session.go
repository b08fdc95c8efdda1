package proxy

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"

	"github.com/coder/websocket"
)

// requestTimeout bounds the time of one request of a page at the Chat Server, the engine
// and the store together.
const requestTimeout = 15 * time.Second

// session is one chat socket: a party's connection to its chat session.
type session struct {
	*socket
	proxy *Proxy

	mu      sync.Mutex
	changed map[string]Record // uploads whose newest record the page has not been sent
	updates onDemand          // sends what changed and relimit name
	left    atomic.Bool       // the party says goodbye: its events end, and that is not a fault
	waiting *waitingRequests  // offers, by their keys
	asks    *waitingRequests  // by their refs

	joined  int64         // the session's last event when the page joined
	limits  bridge.Limits // of this party, as last asked for; guarded by mu
	relimit bool          // the limits may have changed since; guarded by mu
	unclear int           // messages that could not be parsed

	informed bridge.SessionChanged // what the page was last sent of the session
}

// maxUnclear is how many messages that cannot be parsed a page may send: one does not end
// a chat, a flood of them does.
const maxUnclear = 16

// serveChat runs a chat socket from its handshake to its end.
func (p *Proxy) serveChat(w http.ResponseWriter, r *http.Request) {
	socket := p.upgrade(w, r, readBuffer)
	if socket == nil {
		return
	}
	defer p.exit(socket)
	s := &session{socket: socket, proxy: p, changed: map[string]Record{}}
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

// run joins the chat session and then reads requests while another goroutine sends the page
// what happens. A nil error means that the page is gone.
func (s *session) run(ctx context.Context, cancel context.CancelCauseFunc) error {
	exit, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer func() { exit(s.left.Load()) }()
	defer s.proxy.cfg.WatchLimits(s.noteLimits)()
	joined, err := s.join(ctx)
	if err != nil {
		return err
	}
	if s.who.attached = s.who.attached || joined.Attached; s.who.attached {
		exit(true) // the program that registered the party takes it out
	}
	if err := s.welcome(ctx, joined); err != nil {
		return nil
	}
	stop := s.proxy.cfg.Records.Watch(s.who.Session, s.note)
	defer stop()
	var senders sync.WaitGroup
	defer senders.Wait()
	defer s.updates.stop()
	defer s.keepAlive(ctx)()
	defer cancel(nil)
	s.waiting, s.asks = newWaitingRequests(ctx), newWaitingRequests(ctx)
	defer s.asks.end()
	defer s.waiting.end()
	senders.Go(func() {
		if err := s.sendEvents(ctx); !s.left.Load() {
			s.failWith(ctx, err)
			cancel(err)
		}
	})
	s.updates.start(func() error { return s.sendUpdates(ctx) }, cancel)
	s.log.Info("connected", "type", s.who.Party.UserType)
	err = s.serve(ctx)
	cause := context.Cause(ctx)
	s.log.Info("disconnected", "left", s.left.Load())
	var reason *bridge.Error
	switch {
	case s.left.Load():
		return nil
	case errors.As(err, &reason):
		return reason
	case errors.As(cause, &reason):
		return reason
	}
	return nil
}

// failWith sends the page the reason why its events have ended: the session's end, or
// that another page has made the party leave. Cancelling the reading first would cut
// the connection before the reason has arrived.
func (s *session) failWith(ctx context.Context, err error) {
	var reason *bridge.Error
	if errors.As(err, &reason) {
		s.fail(context.WithoutCancel(ctx), reason)
	}
}

func (s *session) join(ctx context.Context) (Joined, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	joined, err := s.proxy.join(ctx, s.who)
	if err != nil {
		return joined, err
	}
	s.who.Party, s.joined = joined.Party, joined.Position
	s.setLimits(joined.Limits)
	return joined, nil
}

func (s *session) welcome(ctx context.Context, joined Joined) error {
	rights := make([]string, len(s.who.Rights))
	for i, r := range s.who.Rights {
		rights[i] = string(r)
	}
	s.informed = s.known(bridge.SessionChanged{IdleExpires: joined.IdleExpires, Saved: joined.Saved, Monitored: joined.Monitored})
	return s.send(ctx, &bridge.Welcome{
		Session: s.who.Session, Party: s.who.Party, Rights: rights, Limits: joined.Limits,
		Position: joined.Position, MaxFrame: int64(s.proxy.cfg.MaxFrame), Server: bridge.Version, ID: s.id,
		IdleExpires: s.informed.IdleExpires, Started: joined.Started, Saved: s.informed.Saved,
		Monitored: s.informed.Monitored, Attached: s.who.attached,
	})
}

// send sends a message, with its events as this party's page gets them.
func (s *session) send(ctx context.Context, m bridge.Wire) error {
	return s.socket.send(ctx, s.proxy.transfers.shownIn(ctx, s.who, m))
}

// serve answers requests one after the other, in the order in which they came. Only an
// offer of an upload that continues may be answered later.
func (s *session) serve(ctx context.Context) error {
	s.conn.SetReadLimit(-1) // readMessage bounds messages itself, with a reason
	for {
		m, err := s.readMessage(ctx)
		if unclear := (*unclear)(nil); errors.As(err, &unclear) {
			if s.unclear++; s.unclear > maxUnclear {
				return unclear.error
			}
			err = s.replyFail(ctx, unclear.ref, "", unclear.error)
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

// unclear is the error of a message that cannot be parsed.
type unclear struct {
	error
	ref int64 // 0: it could not be read
}

// readMessage reads the next message, when the party's rate limit allows it.
func (s *session) readMessage(ctx context.Context) (bridge.Wire, error) {
	s.meter.allowMessage(bridge.MaxMessage)
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
	if err := s.rate.charge(ctx, 1+overhead(s.meter.newOverhead())); err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, bridge.NewError(bridge.CodeMessage, "the chat socket carries text messages only")
	}
	m, err := bridge.FromPage(message)
	if err != nil {
		return nil, &unclear{err, bridge.RefOf(message)}
	}
	return m, nil
}

// answer serves one request; an error ends the socket.
func (s *session) answer(ctx context.Context, m bridge.Wire) error {
	work, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	switch m := m.(type) {
	case *bridge.Say:
		return s.say(work, m)
	case *bridge.Notify:
		return s.notify(work, m)
	case *bridge.Find:
		return s.find(work, m)
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

// replyFail reports to the page that a request or an upload failed; the chat continues.
func (s *session) replyFail(ctx context.Context, ref int64, key string, err error) error {
	if ctx.Err() != nil && context.Cause(ctx) == context.DeadlineExceeded {
		err = bridge.WrapError(bridge.CodeTimeout, err)
	}
	return s.send(context.WithoutCancel(ctx), &bridge.Fail{Ref: ref, Key: key, Error: *s.publicError(err)})
}

func (s *session) say(ctx context.Context, m *bridge.Say) error {
	e, err := s.proxy.say(ctx, s.who, m, nil)
	if err != nil {
		return s.replyFail(ctx, m.Ref, "", err)
	}
	return s.send(ctx, &bridge.Done{Ref: m.Ref, Event: s.viewed(e)})
}

func (s *session) notify(ctx context.Context, m *bridge.Notify) error {
	e, err := s.proxy.notify(ctx, s.who, s.id, s.lastLimits(), m)
	if err != nil {
		return s.replyFail(ctx, m.Ref, "", err)
	}
	if e != nil {
		e = s.viewed(*e)
	}
	return s.send(ctx, &bridge.Done{Ref: m.Ref, Event: e})
}

func (s *session) find(ctx context.Context, m *bridge.Find) error {
	found, more, err := s.proxy.transfers.FindResponses(ctx, s.who, m.Words, m.After)
	if err != nil {
		return s.replyFail(ctx, m.Ref, "", err)
	}
	answer := &bridge.Found{Ref: m.Ref, Responses: found, More: more}
	for len(answer.Responses) > 1 && len(bridge.AppendMessage(nil, answer)) > bridge.MaxMessage {
		answer.Responses, answer.More = answer.Responses[:len(answer.Responses)/2], true
	}
	return s.send(ctx, answer)
}

func (s *session) offer(ctx context.Context, m *bridge.Offer) error {
	o := offerOf(m, s.id)
	o.Limits = s.lastLimits()
	offered, later, err := s.proxy.transfers.offerSoon(ctx, s.who, o)
	if later != nil {
		s.waiting.add(m.Key, func(ctx context.Context) func(context.Context) {
			offered, err := later(ctx)
			// If the answer cannot be sent, the socket ends by itself.
			return func(ctx context.Context) { s.answerOffer(ctx, m.Key, offered, err) }
		})
		return nil
	}
	return s.answerOffer(ctx, m.Key, offered, err)
}

// offerOf is the offer in a message on that connection.
func offerOf(m *bridge.Offer, conn string) Offer {
	return Offer{
		Key: m.Key, After: m.After, Conn: conn,
		Name: m.Name, Size: m.Size, MimeType: m.MimeType, UploadType: m.UploadType,
		Description: m.Description, Custom: m.Custom, Visibility: m.Visibility, Digest: m.Digest, Acked: m.Acked,
	}
}

func (s *session) answerOffer(ctx context.Context, key string, offered Offered, err error) error {
	if err != nil {
		return s.replyFail(ctx, 0, key, err)
	}
	if !offered.Incoming {
		return s.offerComplete(ctx, offered.Record)
	}
	if err := s.send(ctx, &bridge.Accept{Key: key, Offset: offered.Offset, Digest: offered.Digest}); err != nil {
		return err
	}
	return s.sendLimits(ctx)
}

// offerComplete answers an offer of an upload that needs no more bytes, or has ended. A page
// that has not sent them itself compares its file with the digest: two files may share
// name, size and date.
func (s *session) offerComplete(ctx context.Context, r Record) error {
	if r.State.Complete() {
		if err := s.send(ctx, &bridge.Accept{Key: r.Key, Offset: r.Size, Digest: r.Digest}); err != nil {
			return err
		}
	}
	s.putAside(r)
	return nil
}

func (s *session) cancel(ctx context.Context, m *bridge.Cancel) error {
	record, err := s.proxy.transfers.Cancel(ctx, s.who, m.Key)
	if err != nil {
		return s.replyFail(ctx, 0, m.Key, err)
	}
	s.putAside(record)
	return nil
}

// maxAsks is how many files of one socket may wait for their scan.
const maxAsks = 32

func (s *session) ask(ctx context.Context, m *bridge.Ask) error {
	asked, err := s.proxy.transfers.ask(ctx, s.who, Wish{FileID: m.File, Attempt: m.Attempt, Conn: s.id})
	switch {
	case err == nil && asked.unscanned && s.asks.count() >= maxAsks:
		err = bridge.NewError(bridge.CodeBusy, "too many files of this page wait to be scanned")
	case err == nil && asked.unscanned:
		return s.askLater(ctx, m, asked)
	}
	return s.answerAsk(ctx, m, asked, err)
}

// askLater tells the page that its file is being scanned, and answers after that.
func (s *session) askLater(ctx context.Context, m *bridge.Ask, asked *asked) error {
	if err := s.send(ctx, &bridge.Scan{Ref: m.Ref}); err != nil {
		return err
	}
	s.asks.add(strconv.FormatInt(m.Ref, 10), func(ctx context.Context) func(context.Context) {
		err := asked.inspect(ctx)
		return func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
			defer cancel()
			s.answerAsk(ctx, m, asked, err)
		}
	})
	return nil
}

func (s *session) answerAsk(ctx context.Context, m *bridge.Ask, asked *asked, err error) error {
	var ticket *bridge.Ticket
	if err == nil {
		ticket, err = s.proxy.ticket(ctx, asked, m.Ref)
	}
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
	if err := s.proxy.leave(ctx, s.who, m.After); err != nil {
		s.left.Store(false)
		return s.replyFail(ctx, m.Ref, "", err)
	}
	s.waiting.end() // a party that has left is not asked for bytes
	s.asks.end()
	return s.send(ctx, &bridge.Done{Ref: m.Ref})
}
