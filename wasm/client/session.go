package client

import (
	"strconv"
	"time"

	"attache/bridge"
)

// Session is one party in one chat session. Its exported methods are for functions
// that [Client.Do] runs.
type Session struct {
	client  *Client
	handle  int64
	options Options

	id       string // the chat session's; empty until the first welcome
	user     string // the party's
	position int64  // the last event that the host has
	files    map[string]bool
	live     int64 // the session's last event at the welcome: later ones happen now
	known    bool  // party, rights and limits are known
	party    bridge.Party
	rights   bridge.Rights
	limits   bridge.Limits
	info     bridge.Welcome // what it says of the chat session, as changed since
	leaving  int64          // the call that leaves
	removed  bool           // another party has taken this one out, since the welcome
	ended    bool
	faults   int

	token  string
	fixed  bool                          // the application has no other token
	tokens map[int64]func(*bridge.Error) // requests for one
	asked  int64                         // the number of the last request

	chat     chat
	data     data
	idle     idle
	typing   typing
	typists  typists
	requests []*request
	uploads  []*upload
	cancels  []string // keys to cancel once connected

	overtaken map[string]bool // keys to cancel again once the proxy has their file frame
}

func newSession(c *Client, handle int64, o Options) *Session {
	s := &Session{
		client: c, handle: handle, options: o, id: o.ID, position: o.Position, user: o.User,
		files:  map[string]bool{},
		tokens: map[int64]func(*bridge.Error){}, typists: typists{},
	}
	if o.ClientVersion == 0 { // a party that names no version is 101, by the vendor's documentation
		s.options.ClientVersion = bridge.VersionCurrent
	}
	s.typing.s = s
	s.chat.init(s)
	s.data.init(s)
	return s
}

func (s *Session) now() time.Duration { return s.client.now() }

// after sets an alarm; a panic in it is the session's.
func (s *Session) after(d time.Duration, f func()) *alarm { return s.client.after(d, f, s.failed) }

func (s *Session) report(w Word, call int64, text []byte) { s.options.Report(w, call, text) }

// Refuse reports that a call failed.
func (s *Session) Refuse(call int64, err error) {
	s.report(WordFail, call, bridge.AppendError(nil, bridge.AsError(err)))
}

// answer runs the work of a call; an error or a panic in it fails the call.
func (s *Session) answer(call int64, f func() error) {
	s.client.Contain(func() {
		if err := f(); err != nil {
			s.Refuse(call, err)
		}
	}, func(err *bridge.Error) {
		s.Cancel(call)
		s.Refuse(call, err)
	})
}

func (s *Session) requestToken(then func(*bridge.Error)) {
	s.asked++
	s.tokens[s.asked] = then
	s.report(WordToken, s.asked, nil)
}

// Token answers [WordToken]. An empty token means that the application has none,
// because of problem; fixed means that it will never have another one.
func (s *Session) Token(number int64, token string, fixed bool, problem string) {
	then := s.tokens[number]
	if then == nil {
		return
	}
	delete(s.tokens, number)
	if token == "" {
		err := bridge.NewError(bridge.CodeTokenInvalid, problem)
		err.Retry = !fixed
		then(err)
		return
	}
	s.token, s.fixed = token, fixed
	then(nil)
}

// send sends a message if the session is connected. A caller whose message must not
// be lost holds it and sends it again after the next welcome.
func (s *Session) send(m bridge.Wire) {
	if s.chat.ready {
		s.chat.send(m)
	}
}

// onWelcome begins or resumes the session.
func (s *Session) onWelcome(w *bridge.Welcome) {
	// Nothing that waits here may be sent to another session, or as another party.
	switch {
	case s.id != "" && s.id != w.Session:
		s.end(bridge.NewError(bridge.CodeSessionInvalid, "the new token names another chat session"))
		return
	case s.user != "" && s.user != w.Party.UserID:
		s.end(bridge.NewError(bridge.CodeSessionInvalid, "the new token names another user"))
		return
	}
	s.user = w.Party.UserID
	s.id, s.party, s.limits, s.live, s.known = w.Session, w.Party, w.Limits, w.Position, true
	s.rights, s.info = nil, *w
	for _, right := range w.Rights {
		s.rights = append(s.rights, bridge.Right(right))
	}
	s.report(WordWelcome, 0, bridge.AppendSessionInfo(nil, w))
	for _, key := range s.cancels {
		s.send(&bridge.Cancel{Key: key})
	}
	s.cancels = nil
	for _, r := range s.requests {
		s.send(r.message)
	}
	for _, u := range s.uploads {
		if u.phase != waiting {
			u.propose()
		}
	}
	s.schedule()
}

// onMessage handles a message of the chat socket after the welcome.
func (s *Session) onMessage(m bridge.Wire) {
	switch m := m.(type) {
	case *bridge.EventAdded:
		s.onEvent(m.Event)
	case *bridge.LimitsChanged:
		s.limits = m.Limits
		s.report(WordLimits, 0, bridge.AppendLimits(nil, m.Limits))
	case *bridge.SessionChanged:
		s.info.IdleExpires, s.info.Saved, s.info.Monitored = m.IdleExpires, m.Saved, m.Monitored
		s.report(WordInfo, 0, bridge.AppendChatInfo(nil, &s.info))
	case *bridge.Done:
		s.onDone(m)
	case *bridge.Scan:
		s.onScan(m)
	case *bridge.Ticket:
		s.onTicket(m)
	case *bridge.Found:
		s.onFound(m)
	case *bridge.Accept:
		if u := s.find(m.Key); u != nil {
			u.onAccept(m)
		}
	case *bridge.Upload:
		if u := s.find(m.Key); u != nil {
			u.onState(m)
		}
	}
}

// onEvent reports an event of the transcript, once; a transient one is not of the transcript
// and leaves the position where it is.
func (s *Session) onEvent(e bridge.Event) {
	switch {
	case e.Transient() && isTyping(e):
		s.onTyping(e)
		return
	case e.Transient():
		s.reportEvent(e)
		return
	case e.ID <= s.position:
		return
	}
	s.position = e.ID
	if isTyping(e) {
		if e.ID > s.live {
			s.onTyping(e)
		}
		return
	}
	s.stopsTyping(e.From.UserID)
	file, err := bridge.DecodeFile(e)
	if err == nil && file.Key != "" {
		if s.files[file.Key] {
			return
		}
		s.files[file.Key] = true
	}
	if e.ID > s.live && e.Type == bridge.PartyLeft && e.From.UserID == s.user && e.Reason != nil && e.Reason.Code == bridge.ReasonRemoved.Code {
		s.removed = true
	}
	if e.NoticeType == bridge.UpdateNick && e.From.UserID == s.party.UserID {
		s.party.Nickname = e.From.Nickname
	}
	s.reportEvent(e)
	if err == nil && e.From.UserID == s.party.UserID {
		if u := s.find(file.Key); u != nil {
			u.onState(&bridge.Upload{Key: file.Key, State: bridge.Announced, Event: &e})
		}
	}
}

func (s *Session) reportEvent(e bridge.Event) {
	s.report(WordEvent, 0, bridge.AppendTranscriptItem(nil, e, s.party.UserID))
}

// onFail handles a fail of the chat socket: of an upload, a request, or the connection.
func (s *Session) onFail(m *bridge.Fail) {
	switch {
	case m.Key != "":
		if u := s.find(m.Key); u != nil {
			u.onFail(&m.Error)
		}
	case m.Ref != 0:
		s.onRequestFail(m.Ref, &m.Error)
	case s.chat.ready && (m.Error.Code == bridge.CodeMessage || m.Error.Code == bridge.CodeMessageSize):
		s.client.host.Log("the proxy did not understand a message: " + m.Error.Message)
	default:
		s.chat.onFail(&m.Error)
	}
}

// reportReconnecting reports that the connection is lost, why, and when the next try
// will be.
func (s *Session) reportReconnecting(err *bridge.Error, wait time.Duration) {
	text := bridge.AppendError(nil, err)
	text = append(text[:len(text)-1], `,"retryIn":`...)
	text = strconv.AppendInt(text, wait.Milliseconds(), 10)
	s.report(WordState, 0, append(text, '}'))
}

// Close ends the session without sending the proxy anything.
func (s *Session) Close() { s.end(nil) }

// end ends the session. If err is nil, the end was intended.
func (s *Session) end(err *bridge.Error) {
	if s.ended {
		return
	}
	s.ended = true
	delete(s.client.sessions, s.handle)
	s.chat.drop()
	s.data.drop()
	for _, u := range s.uploads {
		u.release()
	}
	s.requests, s.uploads, s.tokens = nil, nil, nil
	var text []byte
	if err != nil {
		text = bridge.AppendError(nil, err)
	}
	s.report(WordClosed, 0, text)
}

// failed handles a panic in a task of this session: the session reconnects from its
// position. A session that fails again and again ends.
func (s *Session) failed(err *bridge.Error) {
	const maxFaults = 3
	if s.faults++; s.faults > maxFaults || s.ended {
		s.end(err)
		return
	}
	s.chat.lost(err)
}
