package client

import (
	"time"

	"attache/bridge"
)

const (
	typingRenewed = 3 * time.Second  // between two notices that only say that the party still types
	previewed     = time.Second      // between two with another preview
	typingPause   = 5 * time.Second  // without a call, after which the party types no more
	typingShown   = 10 * time.Second // without a notice, after which another party types no more
	maxTyping     = 64               // other parties that are shown to type
)

// typingRef is the number of typing notices, which nothing waits for. It is not a call's, and
// not 0, because a refusal without a number would be the connection's.
const typingRef = bridge.MaxInteger

// typing is what this party types, as far as the others were sent it. It is of one connection:
// nothing of it is sent after a loss.
type typing struct {
	s     *Session
	on    bool
	shown bridge.Notify // the last notice
	sent  time.Duration // when
	pause *alarm        // ends it
	later *alarm        // sends the latest preview
}

// Typing shows other parties that this one types, with the text so far as a preview if that
// is not empty, or that it does so no more. It may be called at every keystroke: notices are
// sent as often as is of use, and the end by itself if calls stay away. What may not be sent,
// or not now, is dropped.
func (s *Session) Typing(on bool, preview string, v bridge.Visibility, receiver string) {
	if !s.chat.ready {
		return
	}
	if !on {
		s.typing.stop()
		return
	}
	m := bridge.Notify{Ref: typingRef, Notice: bridge.TypingStarted, Text: bridge.Preview(preview), Visibility: v, Receiver: receiver}
	if _, err := bridge.CheckNotify(&m, s.party.UserType, s.rights); err != nil {
		s.client.host.Log("typing is not shown: " + err.Error())
		return
	}
	s.typing.start(m)
}

func (t *typing) start(m bridge.Notify) {
	if t.on && (m.Visibility != t.shown.Visibility || m.Receiver != t.shown.Receiver) {
		t.stop()
	}
	t.pause.stop()
	t.pause = t.s.after(typingPause, t.stop)
	t.later.stop()
	wait := typingRenewed
	if m.Text != t.shown.Text {
		wait = previewed
	}
	if wait -= t.s.now() - t.sent; t.on && wait > 0 {
		if m.Text != t.shown.Text {
			t.later = t.s.after(wait, func() { t.send(m) })
		}
		return
	}
	t.send(m)
}

func (t *typing) send(m bridge.Notify) {
	t.on, t.shown, t.sent = true, m, t.s.now()
	t.s.send(&m)
}

// stop sends the end, if there was a beginning.
func (t *typing) stop() {
	if !t.on {
		return
	}
	end := bridge.Notify{Ref: typingRef, Notice: bridge.TypingStopped, Visibility: t.shown.Visibility, Receiver: t.shown.Receiver}
	t.drop()
	t.s.send(&end)
}

func (t *typing) drop() {
	t.pause.stop()
	t.later.stop()
	t.on, t.shown = false, bridge.Notify{}
}

// typists are the other parties that are shown to type, by user id.
type typists map[string]*typist

// typist is a party that is shown to type: the last notice, and when it ends without another.
type typist struct {
	last  bridge.Event
	alarm *alarm
}

// isTyping reports whether an event only shows what another party is doing. A Chat Server may
// have stored it nevertheless.
func isTyping(e bridge.Event) bool {
	return e.Type == bridge.Notice && (e.NoticeType == bridge.TypingStarted || e.NoticeType == bridge.TypingStopped)
}

// onTyping reports that another party types, or does so no more.
func (s *Session) onTyping(e bridge.Event) {
	user := e.From.UserID
	known := s.typists[user]
	switch {
	case user == s.party.UserID:
	case e.NoticeType == bridge.TypingStopped:
		s.stopsTyping(user)
	case known != nil || len(s.typists) < maxTyping:
		if known != nil {
			known.alarm.stop()
		}
		e.ID = 0
		s.typists[user] = &typist{e, s.after(typingShown, func() { s.stopsTyping(user) })}
		s.reportEvent(e)
	}
}

// stopsTyping reports that a party does not type any more, if it was shown to.
func (s *Session) stopsTyping(user string) {
	t := s.typists[user]
	if t == nil {
		return
	}
	t.alarm.stop()
	delete(s.typists, user)
	t.last.NoticeType, t.last.Text, t.last.At = bridge.TypingStopped, "", s.client.host.Date()
	s.reportEvent(t.last)
}

// dropTypists reports an end for each, because the notices that would end them are lost with
// the connection.
func (s *Session) dropTypists() {
	for user := range s.typists {
		s.stopsTyping(user)
	}
}
