package client

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestConnect(t *testing.T) {
	w := newTestWorld(t)
	w.open("", 0)
	s := w.last()
	require.Equal(t, "wss://files.example/base/attache/chat", s.url)
	require.Empty(t, s.sent(), "nothing is said before the socket is open")
	s.open()
	hello := s.hello()
	require.Equal(t, "a token", hello.Token)
	require.Zero(t, hello.Position)
	s.push(welcome())
	require.Equal(t, []heard{{WordWelcome, 0,
		`{"id":"chat-1","party":{"userId":"ada","nickname":"Ada","userType":"AGENT"},` +
			`"rights":["chat","upload:file-system","download"],` +
			`"limits":{"usedFiles":0,"usedTotalSize":0,"types":[],"needAgent":false,"agentHere":false,"usedDownloads":0,"deleteFile":"","deleteOthers":""},` +
			`"info":{"started":0,"saved":0,"idleExpires":0,"monitored":false,"attached":false}}`}},
		w.words(WordWelcome, WordClosed))
}

// A final error ends the first connect; after any other it is retried.
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
		"gone, and no other proxy": {func(w *world, s *socketDouble) {
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
			s.subprotocol = ""
			s.open()
		}, "version-unsupported", false, false},
		"no sense": {func(w *world, s *socketDouble) {
			s.open()
			s.text("<html>")
		}, "version-unsupported", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			w.token = func(number int64) { w.give(number, "a token", test.fixed, "") }
			w.open("", 0)
			test.play(w, w.last())
			reported := w.words(WordClosed, WordState)
			require.Len(t, reported, 1)
			require.Contains(t, reported[0].text, `"code":"`+test.code+`"`)
			require.Equal(t, test.again, reported[0].word == WordState)
			require.True(t, w.last().closed)
			dialed := len(w.sockets)
			w.pass(time.Minute)
			require.Equal(t, test.again, len(w.sockets) > dialed)
		})
	}
}

func said(id int64, from, text string) *bridge.EventAdded {
	return &bridge.EventAdded{Event: bridge.Event{
		ID: id, Type: bridge.Message, At: 1, Visibility: bridge.All, Text: text,
		From: bridge.Party{UserID: from, UserType: bridge.Client},
	}}
}

func TestEventsComeOnceAndInOrder(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	s.push(said(3, "bo", "one"))
	s.push(said(3, "bo", "one"))
	s.push(said(2, "bo", "older"))
	s.push(said(9, "ada", "two"))
	list := w.words(WordEvent)
	require.Len(t, list, 2)
	require.Equal(t, `{"type":"message","event":3,"at":1,"from":{"userId":"bo","nickname":"","userType":"CLIENT"},"own":false,"visibility":"ALL","text":"one"}`, list[0].text)
	require.Contains(t, list[1].text, `"own":true`)

	for id := int64(10); id < 12; id++ {
		e := bridge.Announcement{Name: "a.pdf", Size: 1, DocumentID: "d", Key: "k"}.Notice(bridge.All)
		e.ID, e.From = id, bridge.Party{UserID: "bo", UserType: bridge.Client}
		s.push(&bridge.EventAdded{Event: e})
	}
	require.Len(t, w.words(WordEvent), 1, "a file that was announced twice")
}

func TestTransientEventLeavesThePosition(t *testing.T) {
	w := newTestWorld(t)
	first := w.connected()
	first.push(said(5, "bo", "hi"))
	typing := said(0, "bo", "")
	typing.Event.Type, typing.Event.NoticeType = bridge.Notice, bridge.TypingStarted
	first.push(typing)
	first.push(typing)
	require.Len(t, w.words(WordEvent), 3)
	first.cut()
	w.pass(time.Second)
	second := w.last()
	second.open()
	require.Equal(t, int64(5), second.hello().Position)
}

func TestReconnect(t *testing.T) {
	w := newTestWorld(t)
	first := w.connected()
	first.push(said(5, "bo", "hi"))
	w.say(1, "0123456789abcdef0123456789abcdef", "not lost")
	require.Equal(t, "not lost", only[*bridge.Say](first).Text)
	first.cut()
	require.True(t, first.closed)
	state := w.words(WordState)
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
	require.Empty(t, w.words(WordEvent))
}

// A party that another one took out must not come back by itself; one that timed out may.
func TestRemovedPartyStaysOut(t *testing.T) {
	for name, test := range map[string]struct {
		id     int64
		user   string
		reason bridge.Reason
		ends   bool
	}{
		"removed":                       {9, "ada", bridge.ReasonRemoved, true},
		"disconnected for too long":     {9, "ada", bridge.ReasonDisconnected, false},
		"another party was removed":     {9, "bo", bridge.ReasonRemoved, false},
		"removed before this page came": {1, "ada", bridge.ReasonRemoved, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected(func(m *bridge.Welcome) { m.Position = 5 })
			s.push(&bridge.EventAdded{Event: bridge.Event{ID: test.id, Type: bridge.PartyLeft, At: 1, Visibility: bridge.All,
				From: bridge.Party{UserID: test.user, UserType: bridge.Agent}, Reason: &test.reason}})
			s.push(&bridge.Fail{Error: *bridge.NewError(bridge.CodeNotJoined, "")})
			closed := w.words(WordClosed)
			if !test.ends {
				require.Empty(t, closed)
				return
			}
			require.Len(t, closed, 1)
			require.Contains(t, closed[0].text, `"not-joined"`)
		})
	}
}

func TestPausesBetweenTriesGrow(t *testing.T) {
	w := newTestWorld(t)
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
	w := newTestWorld(t)
	w.connected().cut()
	w.wake()
	require.Len(t, w.sockets, 2)
	w.wake()
	require.Len(t, w.sockets, 2)
	w.pass(5 * time.Second)
	require.Len(t, w.sockets, 2, "the alarm was stopped")
}

func TestWakePings(t *testing.T) {
	for name, test := range map[string]struct {
		answer bool
		states int
	}{"alive": {true, 0}, "dead": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			w.pass(time.Second)
			w.wake()
			only[*bridge.Ping](s)
			w.pass(time.Second)
			if test.answer {
				s.push(&bridge.Done{})
			}
			w.pass(9500 * time.Millisecond)
			require.Len(t, w.words(WordState), test.states)
		})
	}
}

func TestDeadConnectionIsFound(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	asked := 0
	for range 12 {
		w.pass(9 * time.Second)
		for range s.sent() {
			asked++
			s.push(&bridge.Done{})
		}
	}
	require.Empty(t, w.words(WordState), "it answered")
	require.Equal(t, 6, asked, "108 s, a question whenever 15 s were quiet")
	w.pass(30 * time.Second)
	require.Len(t, w.words(WordState), 1)
	require.True(t, s.closed)
}

func TestByeDelaysTheNextConnect(t *testing.T) {
	w := newTestWorld(t)
	w.connected().push(&bridge.Bye{After: 3000})
	w.pass(2900 * time.Millisecond)
	require.Len(t, w.sockets, 1)
	w.pass(200 * time.Millisecond)
	require.Len(t, w.sockets, 2)
	require.Empty(t, w.words(WordState), "another proxy is there: the page is not disturbed")
	w.last().cut()
	require.Len(t, w.words(WordState), 1, "no other proxy is there")
}

func TestLongByeIsReported(t *testing.T) {
	w := newTestWorld(t)
	w.connected().push(&bridge.Bye{After: 30_000})
	require.Contains(t, w.words(WordState)[0].text, `"retryIn":30000`)
}

func TestByeBeforeTheFirstWelcome(t *testing.T) {
	w := newTestWorld(t)
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
	require.Len(t, w.words(WordWelcome), 1)
	require.Empty(t, w.words(WordState, WordClosed))
}

func TestEndOfASession(t *testing.T) {
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
			w := newTestWorld(t)
			s := w.connected()
			w.do(func(s *Session) { s.Ask(4, "file", "0123456789abcdef0123456789abcdef") })
			if _, reconnect := test.message.(*bridge.Welcome); reconnect {
				s.cut()
				w.wake()
				s = w.last()
				s.open()
			}
			s.push(test.message)
			require.Equal(t, test.ends, len(w.words(WordClosed)) == 1)
		})
	}
}

func TestMalformedMessageIsIgnored(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	for _, text := range []string{`{"type":"event"}`, `{"type":"news","text":"x"}`, "", "{", `{"type":"done","ref":1,"ref":1}`} {
		s.text(text)
	}
	s.push(said(1, "bo", "still here"))
	require.Len(t, w.words(WordEvent, WordClosed, WordState), 1)
}

// The page shows that its file is scanned; a scan of a call that is over is not shown.
func TestDownloadThatIsScannedFirst(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	w := newTestWorld(t)
	s := w.connected()
	w.do(func(s *Session) { s.Ask(1, "file-1", key) })
	s.push(&bridge.Scan{Ref: 7})
	require.Empty(t, w.words(WordProgress))
	s.push(&bridge.Scan{Ref: 1})
	require.Equal(t, []heard{{WordProgress, 1, `{"key":"","state":"scanning","sent":0,"stored":0,"total":0}`}}, w.words(WordProgress))
	s.push(&bridge.Fail{Ref: 1, Error: *bridge.NewError(bridge.CodeInfected, "")})
	require.Len(t, w.words(WordFail), 1)
	s.push(&bridge.Scan{Ref: 1})
	require.Empty(t, w.words(WordProgress))
}

func TestRequests(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	w := newTestWorld(t)
	s := w.connected()
	w.do(func(s *Session) { s.Ask(1, "file-1", key) })
	require.Equal(t, "file-1", only[*bridge.Ask](s).File)
	digest := strings.Repeat("0a", 32)
	s.push(&bridge.Ticket{Ref: 1, Path: "/attache/file/t/a.pdf", Expires: 9, Size: 3, Digest: digest})
	require.Equal(t, []heard{{WordDone, 1, `{"type":"ticket","ref":1,"path":"/attache/file/t/a.pdf","expires":9,"size":3,"digest":"` + digest + `"}`}}, w.words(WordDone, WordFail))

	w.do(func(s *Session) { s.Ask(2, "file-2", key) })
	s.push(&bridge.Fail{Ref: 2, Error: *bridge.NewError(bridge.CodeDownloads, "")})
	s.push(&bridge.Ticket{Ref: 2, Path: "/late"})
	refused := w.words(WordDone, WordFail)
	require.Len(t, refused, 1)
	require.Contains(t, refused[0].text, "downloads-used-up")
	s.sent()

	w.say(3, key, "given up")
	w.cancel(3)
	s.push(&bridge.Done{Ref: 3})
	require.Empty(t, w.words(WordDone, WordFail))
}

func TestInvalidCallsAreRefusedLocally(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	for name, test := range map[string]struct {
		call func(s *Session)
		code string
	}{
		"empty text":      {func(s *Session) { s.Say(1, bridge.Say{Key: key}) }, "message-invalid"},
		"long text":       {func(s *Session) { s.Say(1, bridge.Say{Key: key, Text: string(make([]byte, bridge.MaxText+1))}) }, "text-too-long"},
		"visibility":      {func(s *Session) { s.Say(1, bridge.Say{Key: key, Text: "x", Visibility: bridge.Vip}) }, "forbidden"},
		"no visibility":   {func(s *Session) { s.Say(1, bridge.Say{Key: key, Text: "x", Visibility: "SOME"}) }, "forbidden"},
		"no right":        {func(s *Session) { s.Ask(1, "f", key) }, "forbidden"},
		"unknown leaving": {func(s *Session) { s.Leave(1, "slam-the-door") }, "message-invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected(func(m *bridge.Welcome) { m.Rights = []string{"chat"} })
			w.do(test.call)
			refused := w.words(WordFail)
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
		want []Word
	}{
		"done":      {func(w *world, s *socketDouble) { s.push(&bridge.Done{Ref: 1}) }, []Word{WordDone, WordClosed}},
		"no answer": {func(w *world, s *socketDouble) { w.pass(6 * time.Second) }, []Word{WordClosed}},
		"line lost": {func(w *world, s *socketDouble) { s.cut() }, []Word{WordClosed}},
		"refused": {func(w *world, s *socketDouble) {
			s.push(&bridge.Fail{Ref: 1, Error: *bridge.NewError(bridge.CodeForbidden, "")})
			w.pass(10 * time.Second)
		}, []Word{WordFail}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			w.do(func(s *Session) { s.Leave(1, bridge.ForceClose) })
			require.Equal(t, bridge.ForceClose, only[*bridge.Leave](s).After)
			test.play(w, s)
			var words []Word
			for _, h := range w.words(WordDone, WordFail, WordClosed, WordState) {
				words = append(words, h.word)
			}
			require.Equal(t, test.want, words)
		})
	}
}

func TestSessionContinuesAfterTheProgramEnded(t *testing.T) {
	w := newTestWorld(t)
	w.open("chat-1", 40)
	w.say(9, "0123456789abcdef0123456789abcdef", "again")
	w.last().cut()
	require.Len(t, w.words(WordState), 1, "it was connected before: it tries again")
	w.pass(time.Second)
	s := w.last()
	s.open()
	require.Equal(t, int64(40), s.hello().Position)
	s.push(welcome())
	require.Equal(t, "again", only[*bridge.Say](s).Text)
}

func TestChangedInfoIsReportedWhole(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected(func(m *bridge.Welcome) { m.Started, m.Attached, m.IdleExpires = 5, true, 9 })
	s.push(&bridge.SessionChanged{Saved: 2, Monitored: true})
	require.Equal(t, []heard{{WordInfo, 0, `{"started":5,"saved":2,"idleExpires":0,"monitored":true,"attached":true}`}}, w.words(WordInfo))
}
