package chat_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1_800_000_000_000)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func idle(c *clock) chat.Options {
	return chat.Options{Now: c.Now, Idle: chat.IdleControl{Enabled: true}}
}

// found waits until idle control of those servers knows of the session.
func found(t testing.TB, session string, servers ...*chat.Server) {
	t.Helper()
	for _, s := range servers {
		require.Eventually(t, func() bool { return s.IdleFound(session) }, time.Minute, time.Millisecond)
	}
}

// said returns what idle control has said.
func said(events []bridge.Event) (out []string) {
	for _, e := range events {
		switch {
		case e.Type == bridge.PartyLeft:
			out = append(out, e.From.UserID+" "+strconv.FormatInt(e.Reason.Code, 10))
		case e.From.UserID == "chat-server":
			out = append(out, e.NoticeType)
		}
	}
	return out
}

func TestIdleSessionIsAlertedAndClosed(t *testing.T) {
	t.Parallel()
	c := newClock()
	e := store(t, t.TempDir())
	o := idle(c)
	o.Idle.Alert2 = 10 * time.Second
	a, b := serve(t, e, o), serve(t, e, o)
	join(t, a, "s1", ann, bob)
	live := []*receiver{receive(t, a, "s1", ann, 0), receive(t, b, "s1", bob, 0)}
	for _, r := range live {
		r.until(t, 2)
	}
	found(t, "s1", a, b)
	step := func(d time.Duration, want ...string) {
		t.Helper()
		c.pass(d)
		var both sync.WaitGroup
		for _, s := range []*chat.Server{a, b} {
			both.Go(func() { s.ControlIdle(t.Context()) })
		}
		both.Wait()
		require.Equal(t, want, said(transcript(t, a, "s1", 0)))
	}
	step(254 * time.Second)
	post(t, b, "s1", ann, text("still here"))
	step(254 * time.Second)
	step(time.Second, "IDLE_CONTROL_ALERT")
	step(9*time.Second, "IDLE_CONTROL_ALERT")
	step(time.Second, "IDLE_CONTROL_ALERT", "IDLE_CONTROL_ALERT")
	step(44*time.Second, "IDLE_CONTROL_ALERT", "IDLE_CONTROL_ALERT")
	step(time.Second, "IDLE_CONTROL_ALERT", "IDLE_CONTROL_ALERT", "IDLE_CONTROL_CLOSE", "ann 7", "bob 7")

	events := transcript(t, a, "s1", 0)
	require.Equal(t, "55", events[3].Data.Get("idle-time-expire"), "at the first alert")
	require.Equal(t, "45", events[4].Data.Get("idle-time-expire"), "at the second")
	require.NotEmpty(t, events[3].Text)
	require.NotEqual(t, events[3].Text, events[4].Text)
	require.NotEmpty(t, events[5].Text)
	require.NotEmpty(t, events[6].Reason.Text)
	for _, r := range live {
		requireCode(t, bridge.CodeSessionEnded, <-r.done)
		require.Equal(t, ids(events), ids(r.got()), "the parties see all of it")
	}
	_, err := a.Post(t.Context(), "s1", "ann", text("too late"))
	requireCode(t, bridge.CodeSessionEnded, err)
	_, err = b.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	requireCode(t, bridge.CodeSessionEnded, err)
	require.Equal(t, events, receiveAll(t, b, "s1", ann), "the transcript stays")
	require.False(t, a.IdleFound("s1"))
}

// Activity after an alert begins from the start; the next alert is a first one.
func TestIdleActivityAfterAnAlert(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := start(t, idle(c))
	join(t, s, "s1", ann)
	receive(t, s, "s1", ann, 0).until(t, 1)
	found(t, "s1", s)
	c.pass(255 * time.Second)
	s.ControlIdle(t.Context())
	c.pass(44 * time.Second)
	joined, err := s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	require.Equal(t, c.Now().Add(time.Second).UnixMilli(), joined.IdleExpires)
	old := ann
	old.UserID, old.ClientVersion = "old", 102
	was, err := s.Join(t.Context(), "s1", proxy.Joining{Party: old})
	require.NoError(t, err)
	require.Zero(t, was.IdleExpires, "a client below 103 does not know it")
	post(t, s, "s1", ann, text("I am here"))
	joined, err = s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	require.Equal(t, c.Now().Add(300*time.Second).UnixMilli(), joined.IdleExpires)
	c.pass(254 * time.Second)
	s.ControlIdle(t.Context())
	require.Equal(t, []string{"IDLE_CONTROL_ALERT"}, said(transcript(t, s, "s1", 0)))
	c.pass(time.Second)
	s.ControlIdle(t.Context())
	require.Equal(t, []string{"IDLE_CONTROL_ALERT", "IDLE_CONTROL_ALERT"}, said(transcript(t, s, "s1", 0)))
}

// A restart, or the death of the proxy that has the parties, stops no timer.
func TestIdleSessionThatNoProxyHasOpen(t *testing.T) {
	t.Parallel()
	c := newClock()
	e := store(t, t.TempDir())
	first := serve(t, e, idle(c))
	join(t, first, "open", ann, bob)
	join(t, first, "over", ann)
	require.NoError(t, first.Leave(t.Context(), "over", "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.CloseIfNoAgents}))
	first.Close()
	second := serve(t, e, idle(c))
	found(t, "open", second)
	require.False(t, second.IdleFound("over"))
	second.ControlIdle(t.Context())
	require.Empty(t, said(transcript(t, second, "open", 0)))
	c.pass(255 * time.Second)
	c.pass(5 * time.Second) // the grace for a proxy that has its parties
	second.ControlIdle(t.Context())
	require.Equal(t, []string{"IDLE_CONTROL_ALERT"}, said(transcript(t, second, "open", 0)))
	require.Eventually(t, func() bool {
		c.pass(45 * time.Second)
		second.ControlIdle(t.Context())
		return len(said(transcript(t, second, "open", 0))) > 1
	}, time.Minute, time.Millisecond)
	require.Equal(t, []string{"IDLE_CONTROL_ALERT", "IDLE_CONTROL_CLOSE", "ann 7", "bob 7"}, said(transcript(t, second, "open", 0)))
}

func TestIdleControlSet(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := start(t, idle(c))
	join(t, s, "s1", ann, bob)
	receive(t, s, "s1", ann, 0).until(t, 2)
	found(t, "s1", s)
	set := func(d ...bridge.Item) bridge.Event {
		return bridge.Event{Type: bridge.Notice, NoticeType: bridge.IdleControlSet, Data: d}
	}
	for name, d := range map[string]bridge.Data{
		"no data":           nil,
		"an unknown key":    {bridge.Int("timeout", 5)},
		"no time":           {bridge.Int("timeout-alert", 0)},
		"a time below none": {bridge.Int("timeout-alert2", -1)},
		"a time above all":  {bridge.Int("timeout-close", 86401)},
		"a word":            {bridge.Text("timeout-close", "soon")},
		"neither":           {bridge.Text("enabled", "maybe")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Post(t.Context(), "s1", "bob", set(d...))
			requireCode(t, bridge.CodeMessage, err)
		})
	}
	_, err := s.Post(t.Context(), "s1", "ann", set(bridge.Text("enabled", "false")))
	requireCode(t, bridge.CodeForbidden, err)
	for _, notice := range []string{bridge.IdleControlAlert, bridge.IdleControlClose} {
		_, err := s.Post(t.Context(), "s1", "bob", bridge.Event{Type: bridge.Notice, NoticeType: notice})
		requireCode(t, bridge.CodeForbidden, err)
	}

	post(t, s, "s1", bob, set(bridge.Text("enabled", "false")))
	joined, err := s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	require.Zero(t, joined.IdleExpires)
	c.pass(time.Hour)
	s.ControlIdle(t.Context())
	require.Empty(t, said(transcript(t, s, "s1", 0)))

	last := post(t, s, "s1", bob, set(bridge.Text("enabled", "true"), bridge.Int("timeout-alert", 3), bridge.Text("timeout-alert2", "2"), bridge.Int("timeout-close", 1)))
	require.NotZero(t, last.ID)
	for _, d := range []time.Duration{3, 2, 1} {
		c.pass(d * time.Second)
		require.Eventually(t, func() bool { // once the stream has brought its own entry back
			s.ControlIdle(t.Context())
			events := transcript(t, s, "s1", 0)
			return events[len(events)-1].At == c.Now().UnixMilli()
		}, time.Minute, time.Millisecond)
	}
	require.Equal(t, []string{"IDLE_CONTROL_ALERT", "IDLE_CONTROL_ALERT", "IDLE_CONTROL_CLOSE", "ann 7", "bob 7"}, said(transcript(t, s, "s1", 0)))
}

func TestIdleControlIsOff(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := start(t, chat.Options{Now: c.Now})
	join(t, s, "s1", ann, bob)
	_, err := s.Post(t.Context(), "s1", "bob", bridge.Event{Type: bridge.Notice, NoticeType: bridge.IdleControlSet, Data: bridge.Data{bridge.Text("enabled", "true")}})
	requireCode(t, bridge.CodeForbidden, err)
	c.pass(24 * time.Hour)
	s.ControlIdle(t.Context())
	post(t, s, "s1", ann, text("after a day"))
}

func TestIdleWithoutMessages(t *testing.T) {
	t.Parallel()
	c := newClock()
	o := idle(c)
	o.Idle.MessageAlert, o.Idle.MessageClose = chat.NoMessage, chat.NoMessage
	s := start(t, o)
	join(t, s, "s1", ann)
	receive(t, s, "s1", ann, 0).until(t, 1)
	found(t, "s1", s)
	c.pass(255 * time.Second)
	s.ControlIdle(t.Context())
	require.Empty(t, said(transcript(t, s, "s1", 0)))
	require.Eventually(t, func() bool {
		c.pass(45 * time.Second)
		s.ControlIdle(t.Context())
		return len(said(transcript(t, s, "s1", 0))) > 0
	}, time.Minute, time.Millisecond)
	events := transcript(t, s, "s1", 0)
	require.Equal(t, []string{"ann 7"}, said(events))
	require.Equal(t, []int64{1, 4}, ids(events), "what is not sent is in the log")
}

func TestIncludedNotices(t *testing.T) {
	t.Parallel()
	kinds := map[string]bridge.Event{
		"joined":       {Type: bridge.NewParty},
		"left":         {Type: bridge.PartyLeft},
		"message":      {Type: bridge.Message},
		"set":          {Type: bridge.Notice, NoticeType: bridge.IdleControlSet},
		"push URL":     {Type: bridge.Notice, NoticeType: bridge.PushURL},
		"file":         {Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileUploaded},
		"file deleted": {Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileDeleted},
		"custom":       {Type: bridge.Notice, NoticeType: bridge.UserCustom},
		"typing":       {Type: bridge.Notice, NoticeType: bridge.TypingStarted},
		"not typing":   {Type: bridge.Notice, NoticeType: bridge.TypingStopped},
		"nickname":     {Type: bridge.Notice, NoticeType: bridge.UpdateNick},
	}
	always := []string{"joined", "left", "message", "set"}
	major := append(always, "push URL", "file", "file deleted")
	for notices, want := range map[chat.IncludedNotices][]string{
		chat.WithoutNotices: always,
		chat.MajorNotices:   major,
		chat.Major2Notices:  append(major[:len(major):len(major)], "custom"),
		chat.TypingNotices:  append(major[:len(major):len(major)], "typing"),
		chat.AllNotices:     append(major[:len(major):len(major)], "custom", "typing", "not typing", "nickname"),
	} {
		var got []string
		for name, e := range kinds {
			if (chat.IdleControl{Notices: notices}).Counts(e) {
				got = append(got, name)
			}
		}
		require.ElementsMatch(t, want, got, notices)
	}
}

// Typing and the bytes of an upload are in no event, and keep a session open nevertheless, if
// the options say so.
func TestIdleActivityWithoutEvents(t *testing.T) {
	t.Parallel()
	typed := func(s *chat.Server) { post(t, s, "s1", ann, typing("")) }
	sent := func(s *chat.Server) { s.Active("s1", "ann") }
	for name, tc := range map[string]struct {
		control chat.IdleControl
		act     func(*chat.Server)
		counts  bool
	}{
		"typing":                     {chat.IdleControl{Notices: chat.TypingNotices}, typed, true},
		"typing that does not count": {chat.IdleControl{}, typed, false},
		"an upload":                  {chat.IdleControl{}, sent, true},
		"an upload that is ignored":  {chat.IdleControl{IgnoreUploads: true}, sent, false},
		"a stranger's upload":        {chat.IdleControl{}, func(s *chat.Server) { s.Active("s1", "eve") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			o := chat.Options{Now: c.Now, Idle: tc.control}
			o.Idle.Enabled = true
			s := start(t, o)
			join(t, s, "s1", ann)
			receive(t, s, "s1", ann, 0).until(t, 1)
			c.pass(250 * time.Second)
			for range 10 {
				tc.act(s) // and not an entry for each
			}
			expires := func() int64 {
				j, err := s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
				require.NoError(t, err)
				return j.IdleExpires - c.Now().UnixMilli()
			}
			if tc.counts {
				require.Eventually(t, func() bool { return expires() == 300_000 }, time.Minute, time.Millisecond)
			}
			require.Equal(t, map[bool]int64{true: 300_000, false: 50_000}[tc.counts], expires())
			last := post(t, s, "s1", ann, text("last"))
			require.Equal(t, map[bool]int64{true: 3, false: 2}[tc.counts], last.ID)
		})
	}
}

// Whatever happens at whichever proxy, and however they compete: each alert and the close are
// there once for each activity, and never early.
func TestTwoServersWriteEachAlertOnce(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	c := newClock()
	o := idle(c)
	o.Idle.Alert2 = 20 * time.Second
	servers := []*chat.Server{serve(t, e, o), serve(t, e, o)}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		session := "property-" + strconv.Itoa(n)
		join(t, servers[0], session, ann, bob)
		live := []*receiver{receive(t, servers[0], session, ann, 0), receive(t, servers[1], session, bob, 0)}
		for _, r := range live {
			r.until(t, 2)
		}
		found(t, session, servers...)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "speaks") {
				_, err := servers[rapid.IntRange(0, 1).Draw(rt, "proxy")].Post(t.Context(), session, "ann", text("x"))
				if code := bridge.CodeOf(err); err != nil && code != bridge.CodeSessionEnded {
					rt.Fatal(err)
				}
			}
			c.pass(time.Duration(rapid.SampledFrom([]int{1, 19, 20, 44, 45, 255, 300}).Draw(rt, "seconds")) * time.Second)
			var both sync.WaitGroup
			for _, s := range servers {
				both.Go(func() { s.ControlIdle(t.Context()); s.ControlIdle(t.Context()) })
			}
			both.Wait()
		}
		checkIdle(rt, transcript(t, servers[0], session, 0), o)
		for _, r := range live {
			r.cancel()
			<-r.done
		}
	})
}

func checkIdle(t *rapid.T, events []bridge.Event, o chat.Options) {
	o = chat.WithDefaults(o)
	wait := []time.Duration{o.Idle.Alert, o.Idle.Alert2, o.Idle.Close}
	since, said, closed := int64(0), 0, false
	for _, e := range events {
		switch {
		case closed && e.Type == bridge.PartyLeft && e.Reason.Code == 7:
		case closed:
			t.Fatalf("event %d after the close: %v", e.ID, e)
		case e.From.UserID != "chat-server":
			since, said = e.At, 0
		default:
			if said > 2 || e.At-since < wait[said].Milliseconds() {
				t.Fatalf("%s %d comes %d ms after what was before it", e.NoticeType, said, e.At-since)
			}
			if closed = e.NoticeType == bridge.IdleControlClose; closed != (said == 2) {
				t.Fatalf("%s is the %d. of them", e.NoticeType, said+1)
			}
			since, said = e.At, said+1
		}
	}
}
