package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestConnect(t *testing.T) {
	w := newWorld(t)
	w.open("", 0)
	s := w.last()
	require.Equal(t, "wss://files.example/base/attache/chat", s.url)
	require.Empty(t, s.sent(), "nothing is said before the socket is open")
	s.open()
	hello := s.hello()
	require.Equal(t, "a token", hello.Token)
	require.Zero(t, hello.Position)
	s.push(welcome())
	require.Equal(t, []heard{{wordWelcome, 0,
		`{"id":"chat-1","party":{"userId":"ada","nickname":"Ada","userType":"AGENT"},` +
			`"rights":["chat","upload:file-system","download"],` +
			`"limits":{"usedFiles":0,"usedTotalSize":0,"types":[],"needAgent":false,"agentHere":false,"usedDownloads":0}}`}},
		w.words(wordWelcome, wordClosed))
}

// What is final ends the first connect; everything else is tried again.
func TestConnectFails(t *testing.T) {
	refuse := func(code bridge.Code) func(*world, *socketDouble) {
		return func(w *world, s *socketDouble) {
			s.open()
			s.push(&bridge.Fail{Error: *bridge.NewError(code, "")})
		}
	}
	for name, test := range map[string]struct {
		play  func(w *world, s *socketDouble)
		code  string
		fixed bool // the application has no other token
		again bool
	}{
		"no connection": {func(w *world, s *socketDouble) { s.cut() }, "offline", false, true},
		"no answer":     {func(w *world, s *socketDouble) { s.open(); w.pass(15*time.Second + 50*time.Millisecond) }, "timeout", false, true},
		"busy":          {refuse(bridge.CodeBusy), "busy", false, true},
		"too early":     {refuse(bridge.CodeTokenEarly), "token-early", true, true},
		"gone, and nobody else there": {func(w *world, s *socketDouble) {
			s.open()
			s.push(&bridge.Bye{After: 1000})
			w.pass(1100 * time.Millisecond)
			w.last().cut()
		}, "offline", false, true},
		"refused":       {refuse(bridge.CodeTokenInvalid), "token-invalid", true, false},
		"expired":       {refuse(bridge.CodeTokenExpired), "token-expired", true, false},
		"origin":        {refuse(bridge.CodeOrigin), "origin-refused", false, false},
		"session ended": {refuse(bridge.CodeSessionEnded), "session-ended", false, false},
		"another version": {func(w *world, s *socketDouble) {
			s.set("protocol", "")
			s.open()
		}, "version-unsupported", false, false},
		"no sense": {func(w *world, s *socketDouble) {
			s.open()
			s.fire("message", "<html>")
		}, "version-unsupported", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.token = func(number int64) { w.call("token", half, number, "a token", test.fixed, "") }
			w.open("", 0)
			test.play(w, w.last())
			told := w.words(wordClosed, wordState)
			require.Len(t, told, 1)
			require.Contains(t, told[0].text, `"code":"`+test.code+`"`)
			require.Equal(t, test.again, told[0].word == wordState)
			require.True(t, w.last().closed)
			dialed := len(w.sockets)
			w.pass(time.Minute)
			require.Equal(t, test.again, len(w.sockets) > dialed)
		})
	}
}

func said(id int64, from, text string) *bridge.Happened {
	return &bridge.Happened{Event: bridge.Event{
		ID: id, Type: bridge.Message, At: 1, Visibility: bridge.All, Text: text,
		From: bridge.Party{UserID: from, UserType: bridge.Client},
	}}
}

func TestEventsComeOnceAndInOrder(t *testing.T) {
	w := newWorld(t)
	s := w.connected()
	s.push(said(3, "bo", "one"))
	s.push(said(3, "bo", "one"))
	s.push(said(2, "bo", "older"))
	s.push(said(9, "ada", "two"))
	list := w.words(wordEvent)
	require.Len(t, list, 2)
	require.Equal(t, `{"type":"message","event":3,"at":1,"from":{"userId":"bo","nickname":"","userType":"CLIENT"},"own":false,"visibility":"ALL","text":"one"}`, list[0].text)
	require.Contains(t, list[1].text, `"own":true`)

	for id := int64(10); id < 12; id++ {
		e := bridge.Announcement{Name: "a.pdf", Size: 1, DocumentID: "d", Key: "k"}.Notice(bridge.All)
		e.ID, e.From = id, bridge.Party{UserID: "bo", UserType: bridge.Client}
		s.push(&bridge.Happened{Event: e})
	}
	require.Len(t, w.words(wordEvent), 1, "a file that was announced twice")
}

func TestReconnect(t *testing.T) {
	w := newWorld(t)
	first := w.connected()
	first.push(said(5, "bo", "hi"))
	w.call("say", half, 1, "0123456789abcdef0123456789abcdef", "not lost", "")
	require.Equal(t, "not lost", only[*bridge.Say](first).Text)
	first.cut()
	require.True(t, first.closed)
	state := w.words(wordState)
	require.Len(t, state, 1)
	require.Regexp(t, `"code":"offline".*"retryIn":\d+`, state[0].text)

	w.pass(time.Second)
	second := w.last()
	require.NotSame(t, first, second)
	second.open()
	require.Equal(t, int64(5), second.hello().Position)
	second.push(welcome())
	require.Equal(t, "0123456789abcdef0123456789abcdef", only[*bridge.Say](second).Key, "the same key: said once")
	second.push(said(5, "bo", "hi"))
	second.push(&bridge.Done{Ref: 1, Event: &said(6, "ada", "not lost").Event})
	require.Empty(t, w.words(wordEvent))
}

func TestTriesAreSpacedWiderAndWider(t *testing.T) {
	w := newWorld(t)
	w.connected().cut()
	var waits []time.Duration
	for range 9 {
		tries, start := len(w.sockets), w.at
		for len(w.sockets) == tries {
			w.pass(10 * time.Millisecond)
		}
		waits = append(waits, w.at-start)
		w.last().cut()
	}
	require.LessOrEqual(t, waits[0], 500*time.Millisecond)
	require.GreaterOrEqual(t, waits[8], 5*time.Second)
	require.LessOrEqual(t, waits[8], 10*time.Second+20*time.Millisecond)
}

func TestWakeTriesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.connected().cut()
	w.call("wake", half)
	require.Len(t, w.sockets, 2)
	w.call("wake", half)
	require.Len(t, w.sockets, 2)
	w.pass(5 * time.Second)
	require.Len(t, w.sockets, 2, "the alarm was stopped")
}

func TestWakeAsksWhetherTheLineIsAlive(t *testing.T) {
	for name, test := range map[string]struct {
		answer bool
		states int
	}{"alive": {true, 0}, "dead": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.connected()
			w.pass(time.Second)
			w.call("wake", half)
			only[*bridge.Ping](s)
			w.pass(time.Second)
			if test.answer {
				s.push(&bridge.Done{})
			}
			w.pass(9500 * time.Millisecond)
			require.Len(t, w.words(wordState), test.states)
		})
	}
}

func TestADeadLineIsFound(t *testing.T) {
	w := newWorld(t)
	s := w.connected()
	asked := 0
	for range 12 {
		w.pass(9 * time.Second)
		for range s.sent() {
			asked++
			s.push(&bridge.Done{})
		}
	}
	require.Empty(t, w.words(wordState), "it answered")
	require.Equal(t, 6, asked, "108 s, a question whenever 15 s were quiet")
	w.pass(30 * time.Second)
	require.Len(t, w.words(wordState), 1)
	require.True(t, s.closed)
}

func TestByeNamesWhenToComeBack(t *testing.T) {
	w := newWorld(t)
	w.connected().push(&bridge.Bye{After: 3000})
	w.pass(2900 * time.Millisecond)
	require.Len(t, w.sockets, 1)
	w.pass(200 * time.Millisecond)
	require.Len(t, w.sockets, 2)
	require.Empty(t, w.words(wordState), "another proxy is there: nobody need notice")
	w.last().cut()
	require.Len(t, w.words(wordState), 1, "none is there")
}

func TestALongByeIsTold(t *testing.T) {
	w := newWorld(t)
	w.connected().push(&bridge.Bye{After: 30_000})
	require.Contains(t, w.words(wordState)[0].text, `"retryIn":30000`)
}

func TestByeBeforeTheFirstWelcome(t *testing.T) {
	w := newWorld(t)
	w.open("", 0)
	w.last().open()
	w.last().push(&bridge.Bye{After: 3000})
	w.pass(2900 * time.Millisecond)
	require.Len(t, w.sockets, 1)
	w.pass(200 * time.Millisecond)
	require.Len(t, w.sockets, 2)
	s := w.last()
	s.open()
	s.push(welcome())
	require.Len(t, w.words(wordWelcome), 1)
	require.Empty(t, w.words(wordState, wordClosed))
}

func TestWhatEndsASession(t *testing.T) {
	fail := func(code bridge.Code) bridge.Wire { return &bridge.Fail{Error: *bridge.NewError(code, "")} }
	for name, test := range map[string]struct {
		message bridge.Wire
		ends    bool
	}{
		"ended":           {fail(bridge.CodeSessionEnded), true},
		"origin":          {fail(bridge.CodeOrigin), true},
		"token refused":   {fail(bridge.CodeTokenInvalid), true},
		"token expired":   {fail(bridge.CodeTokenExpired), false},
		"busy":            {fail(bridge.CodeBusy), false},
		"not understood":  {fail(bridge.CodeMessage), false},
		"another session": {welcome(func(m *bridge.Welcome) { m.Session = "chat-2" }), true},
		"another user":    {welcome(func(m *bridge.Welcome) { m.Party.UserID = "bo" }), true},
		"another name":    {welcome(func(m *bridge.Welcome) { m.Party.Nickname = "Ada L." }), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.connected()
			w.call("ask", half, 4, "file", "0123456789abcdef0123456789abcdef")
			if _, anew := test.message.(*bridge.Welcome); anew {
				s.cut()
				w.call("wake", half)
				s = w.last()
				s.open()
			}
			s.push(test.message)
			require.Equal(t, test.ends, len(w.words(wordClosed)) == 1)
		})
	}
}

func TestAMessageThatCannotBeReadIsLeftOut(t *testing.T) {
	w := newWorld(t)
	s := w.connected()
	for _, text := range []string{`{"type":"event"}`, `{"type":"news","text":"x"}`, "", "{", `{"type":"done","ref":1,"ref":1}`} {
		s.fire("message", text)
	}
	s.fire("message", w.view([]byte{1, 2, 3}))
	s.push(said(1, "bo", "still here"))
	require.Len(t, w.words(wordEvent, wordClosed, wordState), 1)
}

func TestRequests(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	w := newWorld(t)
	s := w.connected()
	w.call("ask", half, 1, "file-1", key)
	require.Equal(t, "file-1", only[*bridge.Ask](s).File)
	digest := strings.Repeat("0a", 32)
	s.push(&bridge.Ticket{Ref: 1, Path: "/attache/file/t/a.pdf", Expires: 9, Size: 3, Digest: digest})
	require.Equal(t, []heard{{wordDone, 1, `{"type":"ticket","ref":1,"path":"/attache/file/t/a.pdf","expires":9,"size":3,"digest":"` + digest + `"}`}}, w.words(wordDone, wordFail))

	w.call("ask", half, 2, "file-2", key)
	s.push(&bridge.Fail{Ref: 2, Error: *bridge.NewError(bridge.CodeDownloads, "")})
	s.push(&bridge.Ticket{Ref: 2, Path: "/late"})
	refused := w.words(wordDone, wordFail)
	require.Len(t, refused, 1)
	require.Contains(t, refused[0].text, "downloads-used-up")
	s.sent()

	w.call("say", half, 3, key, "given up", "")
	w.call("cancel", half, 3)
	s.push(&bridge.Done{Ref: 3})
	require.Empty(t, w.words(wordDone, wordFail))
}

func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for name, test := range map[string]struct {
		call []any
		code string
	}{
		"empty text":      {[]any{"say", half, 1, key, "", ""}, "message-invalid"},
		"long text":       {[]any{"say", half, 1, key, string(make([]byte, bridge.MaxText+1)), ""}, "text-too-long"},
		"visibility":      {[]any{"say", half, 1, key, "x", "VIP"}, "forbidden"},
		"no visibility":   {[]any{"say", half, 1, key, "x", "SOME"}, "forbidden"},
		"no text":         {[]any{"say", half, 1, key, 5, ""}, "message-invalid"},
		"no right":        {[]any{"ask", half, 1, "f", key}, "forbidden"},
		"unknown leaving": {[]any{"leave", half, 1, "slam-the-door"}, "message-invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.connected(func(m *bridge.Welcome) { m.Rights = []string{"chat"} })
			w.call(test.call[0].(string), test.call[1:]...)
			refused := w.words(wordFail)
			require.Len(t, refused, 1)
			require.Equal(t, int64(1), refused[0].call)
			require.Contains(t, refused[0].text, `"code":"`+test.code+`"`)
			require.Empty(t, s.sent())
		})
	}
}

func TestLeave(t *testing.T) {
	for name, test := range map[string]struct {
		play func(w *world, s *socketDouble)
		want []string
	}{
		"done":      {func(w *world, s *socketDouble) { s.push(&bridge.Done{Ref: 1}) }, []string{wordDone, wordClosed}},
		"no answer": {func(w *world, s *socketDouble) { w.pass(6 * time.Second) }, []string{wordClosed}},
		"line lost": {func(w *world, s *socketDouble) { s.cut() }, []string{wordClosed}},
		"refused": {func(w *world, s *socketDouble) {
			s.push(&bridge.Fail{Ref: 1, Error: *bridge.NewError(bridge.CodeForbidden, "")})
			w.pass(10 * time.Second)
		}, []string{wordFail}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.connected()
			w.call("leave", half, 1, "force-close")
			require.Equal(t, bridge.ForceClose, only[*bridge.Leave](s).After)
			test.play(w, s)
			var words []string
			for _, h := range w.words(wordDone, wordFail, wordClosed, wordState) {
				words = append(words, h.word)
			}
			require.Equal(t, test.want, words)
		})
	}
}

func TestGoingOnAfterTheProgramEnded(t *testing.T) {
	w := newWorld(t)
	w.open("chat-1", 40)
	w.call("say", half, 9, "0123456789abcdef0123456789abcdef", "again", "")
	w.last().cut()
	require.Len(t, w.words(wordState), 1, "it was connected before: it tries again")
	w.pass(time.Second)
	s := w.last()
	s.open()
	require.Equal(t, int64(40), s.hello().Position)
	s.push(welcome())
	require.Equal(t, "again", only[*bridge.Say](s).Text)
}
