package client

import (
	"time"

	"attache/bridge"
)

// request is a call that the proxy answers by its number. It is sent again after a
// reconnect, because its key or attempt makes that harmless, unless it is transient.
type request struct {
	call    int64
	message bridge.Wire
}

// leaveTime is how long the proxy may take to let a party leave.
const leaveTime = 5 * time.Second

// Say sends a text message; the number of the call becomes its Ref.
func (s *Session) Say(call int64, m bridge.Say) {
	s.answer(call, func() error { return s.say(call, m) })
}

func (s *Session) say(call int64, m bridge.Say) error {
	m.Ref = call
	if s.known {
		if err := bridge.CheckSay(&m, s.party.UserType, s.rights); err != nil {
			return err
		}
	}
	s.typing.stop()
	return s.request(call, &m)
}

// Ask requests a ticket for a download.
func (s *Session) Ask(call int64, file, attempt string) {
	s.answer(call, func() error { return s.ask(call, file, attempt) })
}

func (s *Session) ask(call int64, file, attempt string) error {
	if err := s.permit(bridge.RightDownload, ""); err != nil {
		return err
	}
	return s.request(call, &bridge.Ask{Ref: call, File: file, Attempt: attempt})
}

// Leave removes the party from the chat session, and ends this one. Uploads whose
// bytes have not all arrived are cancelled.
func (s *Session) Leave(call int64, after bridge.AfterAction) {
	s.answer(call, func() error { return s.leave(call, after) })
}

func (s *Session) leave(call int64, after bridge.AfterAction) error {
	if !s.chat.ready {
		s.report(WordDone, call, nil)
		s.end(nil)
		return nil
	}
	for _, u := range s.uploads {
		if u.state.Incoming() && u.phase != comparing {
			s.Discard(u.offer.Key)
		}
	}
	if err := s.request(call, &bridge.Leave{Ref: call, After: after}); err != nil {
		return err
	}
	s.leaving = call
	s.chat.set(leaveTime, func() { s.end(nil) })
	return nil
}

// permit checks what the proxy will check too. Before the first welcome it cannot; a
// call at that time is a repeated one, which was checked the first time.
func (s *Session) permit(right bridge.Right, v bridge.Visibility) error {
	if !s.known {
		return nil
	}
	if err := bridge.CheckSender(s.party.UserType, v); err != nil {
		return err
	}
	return s.rights.Need(right)
}

// request sends a message made from the host's arguments, if it is a valid one.
func (s *Session) request(call int64, m bridge.Wire) error {
	if _, err := bridge.FromPage(bridge.AppendMessage(nil, m)); err != nil {
		return err
	}
	s.requests = append(s.requests, &request{call: call, message: m})
	s.send(m)
	return nil
}

// take removes and returns the request of a call, or returns nil.
func (s *Session) take(call int64) *request {
	for i, r := range s.requests {
		if r.call == call {
			s.requests = append(s.requests[:i], s.requests[i+1:]...)
			return r
		}
	}
	return nil
}

func (s *Session) onDone(m *bridge.Done) {
	r := s.take(m.Ref)
	if r == nil {
		return
	}
	var text []byte
	if m.Event != nil {
		text = bridge.AppendTranscriptItem(nil, *m.Event, s.party.UserID)
	}
	s.report(WordDone, r.call, text)
	if r.call == s.leaving {
		s.end(nil)
	}
}

func (s *Session) onRequestFail(call int64, err *bridge.Error) {
	if s.take(call) == nil {
		return
	}
	if call == s.leaving {
		s.leaving = 0
		s.chat.watch()
	}
	s.Refuse(call, err)
}

// onScan reports that a download waits until its file was scanned.
func (s *Session) onScan(m *bridge.Scan) {
	for _, r := range s.requests {
		if r.call == m.Ref {
			s.report(WordProgress, r.call, bridge.AppendProgress(nil, bridge.Step{State: bridge.Scanning}))
			return
		}
	}
}

func (s *Session) onTicket(m *bridge.Ticket) {
	if s.take(m.Ref) != nil {
		s.report(WordDone, m.Ref, bridge.AppendMessage(nil, m))
	}
}

// Cancel cancels a call of any kind.
func (s *Session) Cancel(call int64) {
	s.take(call)
	for _, u := range s.uploads {
		if u.call == call {
			u.cancel()
			return
		}
	}
}
