package client

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func (w *world) typing(preview string) {
	w.do(func(s *Session) { s.Typing(true, preview, "", "") })
}

// typed returns the notices since the last call, as "text" or "-" for the end.
func (s *socketDouble) typed() (list []string) {
	for _, m := range s.sent() {
		n, ok := m.(*bridge.Notify)
		if !ok {
			continue
		}
		require.Empty(s.w, n.Key)
		require.NotZero(s.w, n.Ref, "a refusal without a number would end the connection")
		if n.Notice == bridge.TypingStopped {
			list = append(list, "-")
			continue
		}
		require.Equal(s.w, bridge.TypingStarted, n.Notice)
		list = append(list, n.Text)
	}
	return list
}

func TestTypingIsSentAsOftenAsIsOfUse(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	for range 100 { // ten keystrokes a second
		w.typing("")
		w.pass(100 * time.Millisecond)
	}
	require.Equal(t, []string{"", "", "", ""}, s.typed(), "in ten seconds, every third")
	w.pass(typingPause)
	require.Equal(t, []string{"-"}, s.typed(), "no key for a while")
	w.pass(time.Second)
	w.do(func(s *Session) { s.Typing(false, "", "", "") })
	require.Empty(t, s.typed(), "it has ended already")
}

func TestTypingPreviewIsTheLatest(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	text := ""
	for i := range 20 {
		text += string(rune('a' + i))
		w.typing(text)
		w.pass(100 * time.Millisecond)
	}
	w.pass(time.Second)
	sent := s.typed()
	require.Len(t, sent, 3)
	require.Equal(t, "a", sent[0])
	require.Equal(t, text, sent[2], "the last keystroke is not lost")
	w.typing(strings.Repeat("ü", 2000))
	w.pass(time.Second)
	require.LessOrEqual(t, len(s.typed()[0]), 1024)
}

func TestTypingEndsWithTheMessage(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.typing("hell")
	w.typing("hello")
	w.say(1, key, "hello")
	sent := s.sent()
	require.Len(t, sent, 3)
	require.Equal(t, bridge.TypingStopped, sent[1].(*bridge.Notify).Notice)
	require.Equal(t, "hello", sent[2].(*bridge.Say).Text)
	w.pass(10 * time.Second)
	require.Empty(t, s.typed(), "the preview that waited is out of date")
}

func TestTypingIsForOneAudience(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.typing("")
	w.do(func(s *Session) { s.Typing(true, "", bridge.Internal, "bo") })
	w.do(func(s *Session) { s.Typing(false, "", "", "") })
	sent := s.sent()
	require.Len(t, sent, 4)
	require.Empty(t, sent[1].(*bridge.Notify).Visibility)
	for _, m := range sent[2:] {
		require.Equal(t, bridge.Internal, m.(*bridge.Notify).Visibility)
		require.Equal(t, "bo", m.(*bridge.Notify).Receiver)
	}
}

func TestTypingIsNeverQueued(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.typing("before")
	s.cut()
	w.typing("meanwhile")
	w.pass(time.Second)
	second := w.last()
	second.open()
	second.hello()
	second.push(welcome())
	require.Empty(t, second.typed())
	w.typing("after")
	require.Equal(t, []string{"after"}, second.typed())
	require.Empty(t, w.words(WordFail, WordClosed))

	silent := newTestWorld(t)
	s = silent.connected(func(m *bridge.Welcome) { m.Rights = []string{"download"} })
	silent.typing("")
	require.Empty(t, s.sent(), "without the right")
}

// A refusal of a typing notice is nobody's failure, and does not end the connection.
func TestTypingRefusedByTheProxy(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.typing("")
	m := only[*bridge.Notify](s)
	s.push(&bridge.Fail{Ref: m.Ref, Error: *bridge.NewError(bridge.CodeBusy, "")})
	s.push(&bridge.Done{Ref: m.Ref})
	require.Empty(t, w.words(WordFail, WordDone, WordState, WordClosed))
	require.False(t, s.closed)
}

func types(user, preview string) *bridge.EventAdded {
	return &bridge.EventAdded{Event: bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.TypingStarted, Text: preview, At: 1, Visibility: bridge.All,
		From: bridge.Party{UserID: user, UserType: bridge.Client},
	}}
}

func stops(user string) *bridge.EventAdded {
	m := types(user, "")
	m.Event.NoticeType = bridge.TypingStopped
	return m
}

// typists returns what is reported about others: "user" or "-user" for each change.
func (w *world) typists() (list []string) {
	for _, h := range w.words(WordEvent) {
		if !strings.Contains(h.text, `"type":"typing"`) {
			continue
		}
		require.Contains(w, h.text, `"event":0,`)
		_, rest, _ := strings.Cut(h.text, `"userId":"`)
		user, _, _ := strings.Cut(rest, `"`)
		if strings.Contains(h.text, `"on":false`) {
			user = "-" + user
		}
		list = append(list, user)
	}
	return list
}

func TestOthersTypingEnds(t *testing.T) {
	for name, end := range map[string]func(w *world, s *socketDouble){
		"by itself":       func(_ *world, s *socketDouble) { s.push(stops("bo")) },
		"with the text":   func(_ *world, s *socketDouble) { s.push(said(5, "bo", "hi")) },
		"by silence":      func(w *world, _ *socketDouble) { w.pass(typingShown) },
		"with the line":   func(_ *world, s *socketDouble) { s.cut() },
		"with its leave":  func(_ *world, s *socketDouble) { m := said(5, "bo", ""); m.Event.Type = bridge.PartyLeft; s.push(m) },
		"with our end":    func(w *world, _ *socketDouble) { w.do(func(s *Session) { s.Close() }) },
		"by a stored one": func(_ *world, s *socketDouble) { m := stops("bo"); m.Event.ID = 5; s.push(m) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			s.push(types("bo", ""))
			s.push(types("bo", "he"))
			w.pass(typingShown / 2)
			s.push(types("bo", "hell"))
			w.pass(typingShown / 2)
			require.Equal(t, []string{"bo", "bo", "bo"}, w.typists())
			end(w, s)
			require.Equal(t, []string{"-bo"}, w.typists())
			if w.client.sessions[handle] != nil {
				w.pass(typingShown)
				require.Empty(t, w.typists())
			}
		})
	}
}

func TestOwnTypingIsNotShown(t *testing.T) {
	w := newTestWorld(t)
	w.connected().push(types("ada", ""))
	require.Empty(t, w.typists())
}

// A Chat Server that stores typing notices must not make a page show old ones.
func TestStoredTypingIsNoHistory(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected(func(m *bridge.Welcome) { m.Position = 7 })
	old, live := types("bo", ""), types("bo", "")
	old.Event.ID, live.Event.ID = 7, 8
	s.push(old)
	require.Empty(t, w.typists())
	s.push(live)
	require.Equal(t, []string{"bo"}, w.typists())
	s.cut()
	w.pass(time.Second)
	w.last().open()
	require.Equal(t, int64(8), w.last().hello().Position)
}

func TestTypistsAreBounded(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	for i := range 10 * maxTyping {
		s.push(types(fmt.Sprint(i), ""))
	}
	require.Len(t, w.typists(), maxTyping)
	s.push(stops("0"))
	s.push(types("one more", ""))
	require.Equal(t, []string{"-0", "one more"}, w.typists())
}
