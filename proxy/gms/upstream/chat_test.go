package upstream_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/gms"
	"attache/proxy/gms/upstream"
)

func say(text string) bridge.Event {
	return bridge.Event{Type: bridge.Message, Text: text, Visibility: bridge.All, Key: key()}
}

// A customer's page, a real one, chats through GMS.
func TestPageChatsThroughGMS(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*gmsDouble){
		"as documented":                         func(*gmsDouble) {},
		"transcriptPosition excludes its index": func(d *gmsDouble) { d.exclusive = true },
		"alias and secure key change":           func(d *gmsDouble) { d.renewing = true },
		"its clock is an hour ahead":            func(d *gmsDouble) { d.skew = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t, change)
			w := start(t, d)
			b := w.open(t)
			joined := b.await(func(e bridge.Event) bool { return e.Type == bridge.NewParty })
			require.Equal(t, "ann", joined.From.UserID)
			require.EqualValues(t, 1, joined.ID, "an event's id is its index")
			d.says(agent, gms.Message{Type: gms.ParticipantJoined})
			d.says(agent, gms.Message{Type: gms.Text, Text: "hello"})
			e := b.await(func(e bridge.Event) bool { return e.Text == "hello" })
			require.Equal(t, bridge.Agent, e.From.UserType)
			require.Equal(t, "participant-2", e.From.UserID)

			said, err := w.client.Post(t.Context(), "s1", "ann", say("hi"))
			require.NoError(t, err)
			require.Equal(t, "ann", said.From.UserID)
			require.Equal(t, said.ID, b.await(func(e bridge.Event) bool { return e.Text == "hi" }).ID)
			require.Len(t, d.sent(gms.Text), 2)
		})
	}
}

func TestTypingHasNoIndexAndIsPassedOn(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	w := start(t, d)
	b := w.open(t)
	b.await(func(e bridge.Event) bool { return e.Type == bridge.NewParty })
	d.shows(agent, gms.Message{Type: gms.TypingStarted, Text: "hel"})
	e := b.await(func(e bridge.Event) bool { return e.NoticeType == bridge.TypingStarted })
	require.True(t, e.Transient())
	require.Equal(t, "hel", e.Text)
	_, err := w.client.Post(t.Context(), "s1", "ann", bridge.Event{Type: bridge.Notice, NoticeType: bridge.TypingStarted, Text: "I"})
	require.NoError(t, err)
	require.Equal(t, 1, d.count("startTyping"))
}

func TestNoticesOfACustomer(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	w := start(t, d)
	w.join(t)
	for operation, e := range map[string]bridge.Event{
		"pushUrl":        {NoticeType: bridge.PushURL, Text: "https://a.example"},
		"updateNickname": {NoticeType: bridge.UpdateNick, Text: "Annie"},
		"customNotice":   {NoticeType: bridge.UserCustom, Text: "x", Data: bridge.Data{bridge.Text("k", "v")}},
		"updateData":     {NoticeType: bridge.UpdateUserData, Data: bridge.Data{bridge.Text("k", "v")}},
		"readReceipt":    {NoticeType: bridge.ReadReceipt, Data: bridge.Data{bridge.Text(bridge.KeyPosition, "1")}},
		"stopTyping":     {NoticeType: bridge.TypingStopped},
	} {
		t.Run(operation, func(t *testing.T) {
			e.Type, e.Key = bridge.Notice, key()
			posted, err := w.client.Post(t.Context(), "s1", "ann", e)
			require.NoError(t, err)
			require.Equal(t, e.NoticeType, posted.NoticeType)
			again, err := w.client.Post(t.Context(), "s1", "ann", e)
			require.NoError(t, err)
			require.Equal(t, posted.ID, again.ID)
			if rule, _ := bridge.RuleOf(e.NoticeType, e.Text); !rule.Transient {
				require.Equal(t, 1, d.count(operation), "a repeated key has no second effect")
			}
		})
	}
}

func TestWhatGMSHasNotIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t, newDouble(t))
	for name, j := range map[string]proxy.Joining{
		"an agent":          {Party: bridge.Party{UserID: "alice", Nickname: "Alice", UserType: bridge.Agent}},
		"a supervisor":      {Party: bridge.Party{UserID: "sue", Nickname: "Sue", UserType: bridge.Supervisor}},
		"by a secure key":   {Party: ann, SecureKey: "key"},
		"with a password":   {Party: ann, Password: "p"},
		"a second customer": {Party: bridge.Party{UserID: "bob", Nickname: "Bob", UserType: bridge.Client}},
	} {
		if name == "a second customer" {
			w.join(t)
		}
		_, err := w.client.Join(t.Context(), "s1", j)
		want := bridge.CodeForbidden
		if j.Party.UserType != bridge.Client {
			want = bridge.CodeCustomersOnly
		}
		require.Equal(t, want, bridge.CodeOf(err), "%s: %v", name, err)
	}
	w.join(t)
	for name, e := range map[string]bridge.Event{
		"a direct message":      {Type: bridge.Message, Text: "x", Receiver: "bob"},
		"an internal message":   {Type: bridge.Message, Text: "x", Visibility: bridge.Internal},
		"a file by its id":      bridge.Announcement{Name: "a.pdf", DocumentID: "d", Key: key()}.Notice(bridge.All),
		"idle control":          {Type: bridge.Notice, NoticeType: bridge.IdleControlSet},
		"an unheard-of command": {Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: "x"},
	} {
		e.Key = key()
		_, err := w.client.Post(t.Context(), "s1", "ann", e)
		require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), "%s: %v", name, err)
	}
	err := w.client.Leave(t.Context(), "s1", "participant-2", proxy.Departure{Asker: "ann"})
	require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err))
}

// An agent who connects is told where agents take part, not that something failed.
func TestAgentsErrorSaysWhereAgentsTakePart(t *testing.T) {
	t.Parallel()
	w := start(t, newDouble(t))
	_, err := w.client.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: "a", Nickname: "A", UserType: bridge.Agent}})
	require.ErrorContains(t, err, "only customers take part through GMS")
	require.Contains(t, bridge.AsError(err).Hint, "desktop")
	require.Equal(t, bridge.CodeCustomersOnly, bridge.CodeOf(err), "a page retries what may be due to its token")
}

func TestChatEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, *gmsDouble){
		"by chatEnded, and statusCode 2 from then on": func(_ *world, d *gmsDouble) { d.end() },
		"by statusCode 2": func(_ *world, d *gmsDouble) {
			d.fail("refresh", doubleFault{answer: envelope(refusal(gms.StatusFailed, gms.CannotExecute, false))})
		},
		"by its customer's departure": func(_ *world, d *gmsDouble) { d.says(customer, gms.Message{Type: gms.ParticipantLeft}) },
		"by its customer's leave": func(w *world, _ *gmsDouble) {
			require.NoError(w.t, w.client.Leave(w.t.Context(), "s1", "ann", proxy.Departure{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			w := start(t, d)
			w.join(t)
			over := make(chan error, 1)
			go func() {
				over <- w.client.Events(t.Context(), "s1", "ann", 0, func(bridge.Event) error { return nil })
			}()
			end(w, d)
			select {
			case err := <-over:
				require.Equal(t, bridge.CodeSessionEnded, bridge.CodeOf(err), "%v", err)
			case <-time.After(patience):
				require.FailNow(t, "the session did not end")
			}
			_, err := w.client.Join(t.Context(), "s1", proxy.Joining{Party: ann})
			require.Equal(t, bridge.CodeSessionEnded, bridge.CodeOf(err))
			_, err = w.client.Post(t.Context(), "s1", "ann", say("late"))
			require.Equal(t, bridge.CodeSessionEnded, bridge.CodeOf(err))
			require.Equal(t, 1, d.numberOfChats())
		})
	}
}

// An agent's leaving ends nothing.
func TestChatOutlivesAnAgent(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	w := start(t, d)
	b := w.open(t)
	b.await(func(e bridge.Event) bool { return e.Type == bridge.NewParty })
	d.says(agent, gms.Message{Type: gms.ParticipantJoined})
	d.says(agent, gms.Message{Type: gms.ParticipantLeft})
	b.await(func(e bridge.Event) bool { return e.Type == bridge.PartyLeft })
	_, err := w.client.Post(t.Context(), "s1", "ann", say("still here"))
	require.NoError(t, err)
}

// Statuses 1 and 2, a reverse proxy's pages and lost answers: each text is there once, or it is
// refused and not there.
func TestTextIsSentOnceWhateverIsAnswered(t *testing.T) {
	t.Parallel()
	retry := envelope(gms.Reply{StatusCode: gms.StatusRetry})
	for name, c := range map[string]struct {
		faults []doubleFault
		code   bridge.Code
		sends  int
	}{
		"statusCode 1":                           {[]doubleFault{{answer: retry}}, "", 2},
		"busy":                                   {[]doubleFault{{answer: envelope(refusal(gms.StatusRetry, gms.TemporarilyBusy, false))}}, "", 2},
		"busy, and it was done":                  {[]doubleFault{{done: true, answer: envelope(refusal(gms.StatusRetry, gms.TemporarilyBusy, false))}}, "", 1},
		"answer lost, and it was done":           {[]doubleFault{{done: true, answer: lost}}, "", 1},
		"answer lost, and it was never done":     {[]doubleFault{{answer: lost}}, "", 2},
		"answer lost twice":                      {[]doubleFault{{answer: lost}, {done: true, answer: lost}}, "", 2},
		"a page in place of the answer":          {[]doubleFault{{done: true, answer: htmlPage(200)}}, "", 1},
		"502 from a reverse proxy, and done":     {[]doubleFault{{done: true, answer: htmlPage(502)}}, "", 1},
		"502 from a reverse proxy, and not done": {[]doubleFault{{answer: htmlPage(502)}}, "", 2},
		"404 from a reverse proxy":               {[]doubleFault{{answer: htmlPage(404)}}, "", 2},
		"a redirect":                             {[]doubleFault{{answer: htmlPage(302)}}, "", 2},
		"an empty answer":                        {[]doubleFault{{done: true, answer: htmlPage(204)}}, "", 1},
		"text too long":                          {[]doubleFault{{answer: envelope(refusal(gms.StatusRetry, gms.TextTooLong, false))}}, bridge.CodeTextLength, 1},
		"the request cannot be read":             {[]doubleFault{{answer: envelope(refusal(gms.StatusRetry, 400, false))}}, bridge.CodeMessage, 1},
		"statusCode 2 of a chat that goes on":    {[]doubleFault{{answer: envelope(refusal(gms.StatusFailed, gms.CannotExecute, false))}}, bridge.CodeChatUnavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			w := start(t, d)
			w.join(t)
			d.fail("send", c.faults...)
			e, err := w.client.Post(t.Context(), "s1", "ann", say("hi"))
			require.Equal(t, c.code, bridge.CodeOf(err), "%v", err)
			require.Equal(t, c.sends, d.count("send"))
			if c.code != "" {
				require.Empty(t, d.sent(gms.Text))
				_, err := w.client.Post(t.Context(), "s1", "ann", say("and on"))
				require.NoError(t, err)
				return
			}
			require.Len(t, d.sent(gms.Text), 1)
			require.Equal(t, *d.sent(gms.Text)[0].Index, e.ID)
			require.Equal(t, "hi", e.Text)
		})
	}
}

// A text that is said twice is there twice, also where each answer is lost.
func TestTwoTextsThatAreTheSameAreTwo(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	w := start(t, d)
	w.join(t)
	d.fail("send", doubleFault{done: true, answer: lost}, doubleFault{done: true, answer: lost})
	ids := map[int64]bool{}
	for range 2 {
		e, err := w.client.Post(t.Context(), "s1", "ann", say("yes"))
		require.NoError(t, err)
		ids[e.ID] = true
	}
	require.Len(t, ids, 2)
	require.Len(t, d.sent(gms.Text), 2)
}

// What nobody can know is an error that may be tried again, not a second message.
func TestUnclearOutcomeIsReported(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	w := start(t, d, func(o *upstream.Options) { o.Settle = patience })
	w.join(t)
	d.fail("send", doubleFault{answer: lost})
	ctx, cancel := context.WithTimeout(t.Context(), 5*brief)
	defer cancel()
	e := say("hi")
	_, err := w.client.Post(ctx, "s1", "ann", e)
	require.Error(t, err)
	require.True(t, bridge.AsError(err).Retry, "%v", err)
	require.Equal(t, 1, d.count("send"))
	_, _, err = w.client.FindKey(t.Context(), "s1", e.Key)
	require.Error(t, err, "not known is not the same as not there")
	// It comes after all.
	d.says(customer, gms.Message{Type: gms.Text, Text: "hi"})
	stored, err := w.client.Post(t.Context(), "s1", "ann", e)
	require.NoError(t, err)
	require.NotZero(t, stored.ID)
	require.Equal(t, 1, d.count("send"))
}

// A chat that was requested, and whose answer was lost, is requested again: the first one has
// nobody who could use it.
func TestRequestOfAChatIsAnsweredLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault doubleFault
		chats int
	}{
		"refused":                  {doubleFault{answer: envelope(gms.Reply{StatusCode: gms.StatusRetry})}, 1},
		"never done":               {doubleFault{answer: lost}, 1},
		"done, and nobody knows":   {doubleFault{done: true, answer: lost}, 2},
		"a page from in between":   {doubleFault{answer: htmlPage(503)}, 1},
		"cannot start a chat now":  {doubleFault{answer: envelope(refusal(gms.StatusRetry, gms.CannotStart, false))}, 1},
		"an envelope without keys": {doubleFault{answer: envelope(gms.Reply{ChatID: "x"})}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			w := start(t, d, func(o *upstream.Options) { o.RequestTime, o.Lease = 3*time.Second, 3*time.Second })
			d.fail("request", c.fault)
			_, err := w.client.Join(t.Context(), "s1", proxy.Joining{Party: ann})
			require.Error(t, err)
			require.True(t, bridge.AsError(err).Retry, "%v", err)
			w.join(t)
			require.Equal(t, c.chats, d.numberOfChats())
		})
	}
}

// Several connections of a customer at once request one chat.
func TestOneChatForManyJoins(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	e := newEngine(t)
	one, two := relay(t, e, d.URL), relay(t, e, d.URL)
	results := make(chan error)
	for i := range 8 {
		c := []*upstream.Client{one, two}[i%2]
		go func() {
			_, err := c.Join(t.Context(), "s1", proxy.Joining{Party: ann})
			results <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-results)
	}
	require.Equal(t, 1, d.numberOfChats())
}

// T-20: the identity is sealed. Nothing on the engine has the secure key or the user id in clear.
func TestIdentityIsSealed(t *testing.T) {
	t.Parallel()
	d := newDouble(t, func(d *gmsDouble) { d.renewing = true })
	w := start(t, d)
	w.join(t)
	_, err := w.client.Post(t.Context(), "s1", "ann", say("hi"))
	require.NoError(t, err)
	stream, err := w.Engine.JetStream().Stream(t.Context(), "GMS")
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	seen := 0
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			continue // replaced
		}
		seen++
		for _, private := range []string{"key" + strconv.Itoa(1), "chat1", "user1", `"Alias"`} {
			require.NotContains(t, string(m.Data), private, m.Subject)
		}
		require.False(t, strings.HasPrefix(string(m.Data), "{") && strings.HasPrefix(m.Subject, "gms.chat."))
	}
	require.Positive(t, seen)
}

// A proxy dies, and another one polls on: nothing of the chat is missing, nothing comes twice.
func TestAnotherProxyPollsOn(t *testing.T) {
	t.Parallel()
	d := newDouble(t, func(d *gmsDouble) { d.renewing = true })
	e := newEngine(t)
	first := relay(t, e, d.URL)
	_, err := first.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	d.says(agent, gms.Message{Type: gms.Text, Text: "one"})
	next := relay(t, e, d.URL)
	got := make(chan bridge.Event, 100)
	go next.Events(t.Context(), "s1", "ann", 1, func(e bridge.Event) error { got <- e; return nil })
	await := func(text string) {
		t.Helper()
		select {
		case e := <-got:
			require.Equal(t, text, e.Text)
		case <-time.After(patience):
			require.FailNow(t, "it did not come", text)
		}
	}
	await("one")
	upstream.Kill(first)
	d.says(agent, gms.Message{Type: gms.Text, Text: "two"})
	await("two")
	_, err = next.Post(t.Context(), "s1", "ann", say("three"))
	require.NoError(t, err)
	await("three")
	require.Empty(t, got)
}

// Exactly one of two proxies polls.
func TestOneProxyPolls(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	e := newEngine(t)
	clients := []*upstream.Client{relay(t, e, d.URL), relay(t, e, d.URL), relay(t, e, d.URL)}
	for i := range 9 {
		_, err := clients[i%3].Join(t.Context(), "s"+strconv.Itoa(i), proxy.Joining{Party: ann})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return held(clients...) == 9 }, patience, brief)
	polled := d.count("refresh")
	require.Eventually(t, func() bool { return d.count("refresh") > polled+30 }, patience, brief)
	require.Eventually(t, func() bool { return held(clients...) == 9 }, patience, brief)
}

// held is how many chats the clients poll.
func held(clients ...*upstream.Client) (total int) {
	for _, c := range clients {
		total += upstream.Held(c)
	}
	return total
}

// A process that paused has not renewed its lease, and another proxy polls the chat.
func TestChatWhoseLeaseLapsedIsPolledByOneProxy(t *testing.T) {
	paused, resume := make(chan struct{}), make(chan struct{})
	var pausing atomic.Bool
	t.Cleanup(upstream.OnCrashPoint(func(name string) {
		if name != "renewing" || !pausing.CompareAndSwap(false, true) {
			return
		}
		close(paused)
		select {
		case <-resume:
		case <-t.Context().Done():
		}
	}))
	d := newDouble(t)
	e := newEngine(t)
	first := relay(t, e, d.URL)
	_, err := first.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	<-paused
	second := relay(t, e, d.URL)
	require.Eventually(t, func() bool { return held(first, second) == 2 }, patience, brief, "it is polled again, by either")
	close(resume)
	require.Eventually(t, func() bool { return held(first, second) == 1 }, patience, brief)
}
