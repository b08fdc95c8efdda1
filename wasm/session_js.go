package main

import (
	"strconv"
	"time"

	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// session is the module's half of one connect: one party in one chat session.
type session struct {
	page *page
	half int64        // its number
	host safejs.Value // the page's half: function of a word, a call's number, a text
	dial safejs.Value // the page's function that makes a WebSocket
	url  string       // the proxy, without the path of a socket

	version  int64  // ClientVersion
	id       string // the chat session's; empty until the first welcome
	user     string // who the party is in it
	position int64  // the last event the page has
	files    map[string]bool
	known    bool // party, rights and limits are
	party    bridge.Party
	rights   bridge.Rights
	limits   bridge.Limits
	leaving  int64 // the call that leaves
	ended    bool
	faults   int

	token  string
	fixed  bool                          // the application has no other token
	tokens map[int64]func(*bridge.Error) // who waits for one
	asked  int64                         // the last number given to a wish for a token

	chat      chat
	data      data
	idle      idle
	requests  []*request
	uploads   []*upload
	forgotten []string // uploads to cancel once connected
}

// The words in which a session speaks to the page.
const (
	wordToken    = "token"    // get a token; the call's number goes back with it
	wordRefused  = "refused"  // the proxy refused the token; the application may have another one
	wordWelcome  = "welcome"  // connected
	wordState    = "state"    // reconnecting
	wordEvent    = "event"    // an event of the transcript
	wordLimits   = "limits"   // changed
	wordUpload   = "upload"   // an upload's step
	wordProgress = "progress" // of an upload
	wordDone     = "done"     // a call succeeded
	wordFail     = "fail"     // a call failed
	wordClosed   = "closed"   // it is over; the error, if that is why
)

func (s *session) tell(word string, call int64, text []byte) {
	if _, err := s.host.Invoke(word, call, string(text)); err != nil {
		complain("the page's half of a session failed: " + err.Error())
	}
}

func (s *session) refuse(call int64, err error) {
	s.tell(wordFail, call, bridge.AppendError(nil, bridge.AsError(err)))
}

// obtain has the page ask its application for a token.
func (s *session) obtain(then func(*bridge.Error)) {
	s.asked++
	s.tokens[s.asked] = then
	s.tell(wordToken, s.asked, nil)
}

// obtained is the application's answer. An empty token means that it has none,
// because of that problem; whether it may have one later, fixed says.
func (s *session) obtained(number int64, token string, fixed bool, problem string) {
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

// send sends a message if the session is connected; whatever must not be lost
// is kept by its owner and sent again after the next welcome.
func (s *session) send(m bridge.Wire) {
	if !s.chat.ready {
		return
	}
	if err := s.chat.socket.send(bridge.AppendMessage(nil, m)); err != nil {
		s.chat.lost(bridge.WrapError(bridge.CodeOffline, err))
	}
}

// welcomed begins or continues where the proxy is ready.
func (s *session) welcomed(w *bridge.Welcome) {
	// Nothing that waits here may be sent there, or under that name.
	switch {
	case s.id != "" && s.id != w.Session:
		s.end(bridge.NewError(bridge.CodeSessionInvalid, "the new token names another chat session"))
		return
	case s.user != "" && s.user != w.Party.UserID:
		s.end(bridge.NewError(bridge.CodeSessionInvalid, "the new token names another user"))
		return
	}
	s.user = w.Party.UserID
	s.id, s.party, s.limits, s.known = w.Session, w.Party, w.Limits, true
	s.rights = nil
	for _, right := range w.Rights {
		s.rights = append(s.rights, bridge.Right(right))
	}
	s.tell(wordWelcome, 0, bridge.AppendSessionInfo(nil, w))
	for _, key := range s.forgotten {
		s.send(&bridge.Cancel{Key: key})
	}
	s.forgotten = nil
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

// happened takes an event of the transcript in, once.
func (s *session) happened(e bridge.Event) {
	if e.ID <= s.position {
		return
	}
	s.position = e.ID
	file, err := bridge.DecodeFile(e)
	if err == nil && file.Key != "" {
		if s.files[file.Key] {
			return
		}
		s.files[file.Key] = true
	}
	s.tell(wordEvent, 0, bridge.AppendTranscriptItem(nil, e, s.party.UserID))
	if err == nil && e.From.UserID == s.party.UserID {
		if u := s.find(file.Key); u != nil {
			u.changed(&bridge.Upload{Key: file.Key, State: bridge.Announced, Event: &e})
		}
	}
}

// heard takes a message of the chat's socket after the welcome.
func (s *session) heard(m bridge.Wire) {
	switch m := m.(type) {
	case *bridge.Happened:
		s.happened(m.Event)
	case *bridge.Allowance:
		s.limits = m.Limits
		s.tell(wordLimits, 0, bridge.AppendLimits(nil, m.Limits))
	case *bridge.Done:
		s.done(m)
	case *bridge.Ticket:
		s.ticket(m)
	case *bridge.Fail:
		s.refused(m)
	case *bridge.Accept:
		if u := s.find(m.Key); u != nil {
			u.accepted(m)
		}
	case *bridge.Upload:
		if u := s.find(m.Key); u != nil {
			u.changed(m)
		}
	}
}

// refused takes a fail that may be about a request, an upload or the
// connection.
func (s *session) refused(m *bridge.Fail) {
	switch {
	case m.Key != "":
		if u := s.find(m.Key); u != nil {
			u.refused(&m.Error)
		}
	case m.Ref != 0:
		s.unanswered(m.Ref, &m.Error)
	case s.chat.ready && (m.Error.Code == bridge.CodeMessage || m.Error.Code == bridge.CodeMessageSize):
		complain("the proxy did not understand a message: " + m.Error.Message)
	default:
		s.chat.refused(&m.Error)
	}
}

// reconnecting tells the page that the connection is lost, why, and when the
// next try will be.
func (s *session) reconnecting(err *bridge.Error, wait time.Duration) {
	text := bridge.AppendError(nil, err)
	text = append(text[:len(text)-1], `,"retryIn":`...)
	text = strconv.AppendInt(text, wait.Milliseconds(), 10)
	s.tell(wordState, 0, append(text, '}'))
}

// end is the end, in good order where err is nil.
func (s *session) end(err *bridge.Error) {
	if s.ended {
		return
	}
	s.ended = true
	delete(s.page.sessions, s.half)
	s.chat.drop()
	s.data.drop()
	for _, u := range s.uploads {
		u.rest()
	}
	s.requests, s.uploads, s.tokens = nil, nil, nil
	var text []byte
	if err != nil {
		text = bridge.AppendError(nil, err)
	}
	s.tell(wordClosed, 0, text)
}

// failed is told of a bug in a turn of this session: it starts again from its
// position. One that keeps failing is given up.
func (s *session) failed(err *bridge.Error) {
	const most = 3
	if s.faults++; s.faults > most || s.ended {
		s.end(err)
		return
	}
	s.chat.lost(err)
}
