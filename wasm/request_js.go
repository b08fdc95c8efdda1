package main

import (
	"strconv"
	"time"

	"attache/bridge"
)

// request is a call of the page's that the proxy answers by its number. It is
// sent again after a reconnect; its key or attempt makes that harmless.
type request struct {
	call    int64
	message bridge.Wire
}

// leaveTime is how long the proxy may take to let a party go.
const leaveTime = 5 * time.Second

func (s *session) say(call int64, key, text string, v bridge.Visibility) error {
	if len(text) > bridge.MaxText {
		return bridge.NewError(bridge.CodeTextLength, "the text has "+strconv.Itoa(len(text))+" bytes; one message may have "+strconv.Itoa(bridge.MaxText))
	}
	if err := s.may(bridge.RightChat, v); err != nil {
		return err
	}
	return s.request(call, &bridge.Say{Ref: call, Key: key, Text: text, Visibility: v})
}

func (s *session) ask(call int64, file, attempt string) error {
	if err := s.may(bridge.RightDownload, ""); err != nil {
		return err
	}
	return s.request(call, &bridge.Ask{Ref: call, File: file, Attempt: attempt})
}

// leave takes the party out. Uploads whose bytes have not all arrived end here.
func (s *session) leave(call int64, after bridge.AfterAction) error {
	if !s.chat.ready {
		s.tell(wordDone, call, nil)
		s.end(nil)
		return nil
	}
	for _, u := range s.uploads {
		if u.state.Incoming() && u.phase != comparing {
			s.forget(u.offer.Key)
		}
	}
	if err := s.request(call, &bridge.Leave{Ref: call, After: after}); err != nil {
		return err
	}
	s.leaving = call
	s.chat.set(leaveTime, func() { s.end(nil) })
	return nil
}

// may judges what the proxy will judge too. Before the first welcome nothing is
// known, and a call that is repeated then was judged before.
func (s *session) may(right bridge.Right, v bridge.Visibility) error {
	if !s.known {
		return nil
	}
	if v != "" && !s.party.UserType.MaySend(v) {
		return bridge.NewError(bridge.CodeForbidden, "a party of this type may not send with visibility "+string(v))
	}
	return s.rights.Need(right)
}

// request sends a message the page has put together, if it is one.
func (s *session) request(call int64, m bridge.Wire) error {
	if _, err := bridge.FromPage(bridge.AppendMessage(nil, m)); err != nil {
		return err
	}
	s.requests = append(s.requests, &request{call: call, message: m})
	s.send(m)
	return nil
}

// take ends the waiting of a call; nil when nobody waits.
func (s *session) take(call int64) *request {
	for i, r := range s.requests {
		if r.call == call {
			s.requests = append(s.requests[:i], s.requests[i+1:]...)
			return r
		}
	}
	return nil
}

func (s *session) done(m *bridge.Done) {
	r := s.take(m.Ref)
	if r == nil {
		return
	}
	var text []byte
	if m.Event != nil {
		text = bridge.AppendTranscriptItem(nil, *m.Event, s.party.UserID)
	}
	s.tell(wordDone, r.call, text)
	if r.call == s.leaving {
		s.end(nil)
	}
}

func (s *session) unanswered(call int64, err *bridge.Error) {
	if s.take(call) == nil {
		return
	}
	if call == s.leaving {
		s.leaving = 0
		s.chat.listen()
	}
	s.refuse(call, err)
}

func (s *session) ticket(m *bridge.Ticket) {
	if s.take(m.Ref) != nil {
		s.tell(wordDone, m.Ref, bridge.AppendMessage(nil, m))
	}
}

// cancel gives a call up, whatever it is.
func (s *session) cancel(call int64) {
	s.take(call)
	for _, u := range s.uploads {
		if u.call == call {
			u.cancel()
			return
		}
	}
}
