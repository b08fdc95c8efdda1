package client

import "attache/bridge"

// Notify asks for a notice, and reports its event if it is kept. Of a kept one the request
// waits for a lost connection to come back; one that is shown at once or never does not, nor
// does a question. A key that the notice does not need is dropped.
func (s *Session) Notify(call int64, m bridge.Notify) {
	s.answer(call, func() error { return s.notify(call, m) })
}

func (s *Session) notify(call int64, m bridge.Notify) error {
	m.Ref = call
	rule, ok := bridge.RuleOf(m.Notice, m.Text)
	if ok && (rule.Transient || rule.Answered) {
		m.Key = ""
		if !s.chat.ready {
			return bridge.NewError(bridge.CodeOffline, "")
		}
	}
	if s.known {
		if _, err := bridge.CheckNotify(&m, s.party.UserType, s.rights); err != nil {
			return err
		}
	}
	return s.request(call, &m)
}

// transient reports whether a request is not sent again after a lost connection.
func (r *request) transient() bool {
	m, ok := r.message.(*bridge.Notify)
	return ok && m.Key == ""
}

// dropTransient fails the requests that are not sent again.
func (s *Session) dropTransient() {
	for _, r := range append([]*request(nil), s.requests...) {
		if r.transient() {
			s.onRequestFail(r.call, bridge.NewError(bridge.CodeOffline, ""))
		}
	}
}

// Find lists or searches the standard responses.
func (s *Session) Find(call int64, words, after string) {
	s.answer(call, func() error {
		if err := s.permit(bridge.RightUploadResponse, ""); err != nil {
			return err
		}
		return s.request(call, &bridge.Find{Ref: call, Words: words, After: after})
	})
}

func (s *Session) onFound(m *bridge.Found) {
	if s.take(m.Ref) != nil {
		s.report(WordDone, m.Ref, bridge.AppendFound(nil, m))
	}
}
