package proxy_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/proxytest"
)

// flexAway is how long a party stays without a request, where one is to leave: longer than the
// machine pauses between a login, a join and the next request.
const flexAway = 3 * time.Second

// caller is a user of the flex protocol, which remembers what a client remembers.
type caller struct {
	t    testing.TB
	user proxy.FlexUser
}

// call logs in and joins a session; empty is a new one.
func (w *world) call(nickname, session string) (*caller, proxy.FlexStatus) {
	w.t.Helper()
	in, err := w.Proxy.Flex().Login(w.t.Context(), proxy.FlexLogin{Nickname: nickname, TimeZoneOffset: -480, UserData: bridge.Data{bridge.Text("Topic", "a bill")}})
	require.NoError(w.t, err)
	c := &caller{t: w.t, user: proxy.FlexUser{UserID: in.UserID, SecureKey: in.SecureKey, Session: session, ClientVersion: bridge.VersionCurrent, FromPosition: 1}}
	s, err := w.Proxy.Flex().Join(w.t.Context(), proxy.FlexJoin{FlexUser: c.user, QueueKey: "Environment:queue", Subject: "bills"})
	require.NoError(w.t, err)
	c.took(s)
	return c, s
}

func (c *caller) took(s proxy.FlexStatus) {
	c.user.SecureKey, c.user.Session, c.user.FromPosition = s.SecureKey, s.Transcript.Session, s.Transcript.LastPosition+1
}

// refresh makes a request at that proxy and returns what is new.
func (c *caller) refresh(w *world, r proxy.FlexRefresh) proxy.FlexStatus {
	c.t.Helper()
	s, err := c.try(w, r)
	require.NoError(c.t, err)
	return s
}

func (c *caller) try(w *world, r proxy.FlexRefresh) (proxy.FlexStatus, error) {
	r.FlexUser = c.user
	s, err := w.Proxy.Flex().Refresh(w.t.Context(), r)
	if err == nil {
		c.took(s)
	}
	return s, err
}

// eventWords are the events in few words.
func eventWords(s proxy.FlexStatus) (out []string) {
	for _, e := range s.Transcript.Events {
		out = append(out, strings.TrimSpace(fmt.Sprint(e.PartyID, " ", e.Type, " ", e.NoticeType+e.Text)))
	}
	return out
}

func (w *world) agentJoins(session string) (*page, string) {
	w.t.Helper()
	agent, _ := w.join(w.Token(session, "alice", bridge.Agent, bridge.AllRights...))
	return agent, "alice"
}

func (w *world) posts(session, user string, e bridge.Event) bridge.Event {
	w.t.Helper()
	stored, err := w.Chat.Post(w.t.Context(), session, user, e)
	require.NoError(w.t, err)
	return stored
}

func typed(text string) bridge.Event {
	return bridge.Event{Type: bridge.Notice, NoticeType: bridge.TypingStarted, Text: text}
}

func spoken(text string) bridge.Event { return bridge.Event{Type: bridge.Message, Text: text} }

func TestFlexConversation(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T) proxytest.Change{
		"our own Chat Server": func(*testing.T) proxytest.Change { return nil },
		"a backend":           func(t *testing.T) proxytest.Change { return proxytest.BehindBackend(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := []proxytest.Change{func(o *assembly.Options) { o.Proxy.FlexDisconnectTimeout = time.Hour }}
			if c := change(t); c != nil {
				all = append(all, c)
			}
			w := &world{World: proxytest.Start(t, all...), t: t}
			ann, joined := w.call("Ann", "")
			session := ann.user.Session
			require.True(t, bridge.ValidSession(session))
			require.Equal(t, []string{"1 new-party"}, eventWords(joined))
			require.EqualValues(t, 1, joined.PartyID)
			require.NotZero(t, joined.Transcript.Started)
			require.EqualValues(t, 1, joined.Transcript.LastPosition)

			agent, alice := w.agentJoins(session)
			_ = agent
			w.posts(session, alice, spoken("good morning"))
			internal := spoken("do not tell")
			internal.Visibility = bridge.Internal
			w.posts(session, alice, internal)
			s := ann.refresh(w, proxy.FlexRefresh{Text: "hello", MessageType: "text"})
			require.Equal(t, []string{"2 new-party", "2 message good morning", "1 message hello"}, eventWords(s))
			require.EqualValues(t, 5, s.Transcript.LastPosition, "a hidden event has an id")
			require.Equal(t, ann.user.SecureKey, joined.SecureKey, "the key is stable")
			require.Empty(t, eventWords(ann.refresh(w, proxy.FlexRefresh{})))

			s = ann.refresh(w, proxy.FlexRefresh{Notice: &bridge.Notify{Notice: bridge.UserCustom, Text: "custom", Data: bridge.Data{bridge.Text("k", "v")}}})
			require.Equal(t, []string{"1 notice USER_CUSTOMcustom"}, eventWords(s))
			require.Equal(t, "v", s.Transcript.Events[0].Data.Get("k"))
			s = ann.refresh(w, proxy.FlexRefresh{Notice: &bridge.Notify{Notice: bridge.UpdateNick, Text: "Anne"}})
			require.Equal(t, "Anne", s.Transcript.Events[0].From.Nickname)
			require.Empty(t, eventWords(ann.refresh(w, proxy.FlexRefresh{Notice: &bridge.Notify{Notice: bridge.TypingStarted}})), "its own typing")

			key := newKey()
			first := ann.refresh(w, proxy.FlexRefresh{Text: "once", Key: key})
			require.Len(t, first.Transcript.Events, 1)
			require.Empty(t, ann.refresh(w, proxy.FlexRefresh{Text: "once", Key: key}).Transcript.Events)

			ann.user.FromPosition = 0
			s = ann.refresh(w, proxy.FlexRefresh{Text: "no transcript"})
			require.Empty(t, s.Transcript.Events)
			require.EqualValues(t, 9, s.Transcript.LastPosition)

			ann.user.FromPosition = 9
			out, err := w.Proxy.Flex().Logout(t.Context(), proxy.FlexLogout{FlexUser: ann.user})
			require.NoError(t, err)
			require.Equal(t, []string{"1 message no transcript", "1 party-left"}, eventWords(out))
			require.EqualValues(t, bridge.ReasonLeft.Code, out.Transcript.Events[1].Reason.Code)
			ann.took(out)
			_, err = ann.try(w, proxy.FlexRefresh{})
			require.Equal(t, bridge.CodeLoggedOut, bridge.CodeOf(err))
		})
	}
}

func TestFlexRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FlexDisconnectTimeout = time.Hour })
	ann, _ := w.call("Ann", "s1")
	ben, _ := w.call("Ben", "s1")
	w.join(w.agent)
	flex, ctx := w.Proxy.Flex(), t.Context()
	refresh := func(change func(*proxy.FlexRefresh)) func() error {
		return func() error {
			r := proxy.FlexRefresh{FlexUser: ann.user}
			change(&r)
			_, err := flex.Refresh(ctx, r)
			return err
		}
	}
	join := func(change func(*proxy.FlexJoin)) func() error {
		return func() error {
			in, err := flex.Login(ctx, proxy.FlexLogin{Nickname: "Eve"})
			require.NoError(t, err)
			j := proxy.FlexJoin{FlexUser: proxy.FlexUser{UserID: in.UserID, SecureKey: in.SecureKey, Session: "s1"}}
			change(&j)
			_, err = flex.Join(ctx, j)
			return err
		}
	}
	for name, tc := range map[string]struct {
		do   func() error
		code bridge.Code
	}{
		"a login with a nickname of 10,000 characters": {func() error {
			_, err := flex.Login(ctx, proxy.FlexLogin{Nickname: strings.Repeat("n", 10_000)})
			return err
		}, bridge.CodeMessage},
		"a login with too much data": {func() error {
			_, err := flex.Login(ctx, proxy.FlexLogin{Nickname: "n", UserData: bridge.Data{bridge.Text("k", strings.Repeat("v", bridge.MaxValue+1))}})
			return err
		}, bridge.CodeMessageSize},
		"a user that has not logged in": {join(func(j *proxy.FlexJoin) { j.UserID = "nobody" }), bridge.CodeParty},
		"another login's key":           {join(func(j *proxy.FlexJoin) { j.SecureKey = "wrong" }), bridge.CodeSecureKey},
		"a session that cannot be":      {join(func(j *proxy.FlexJoin) { j.Session = "../s1" }), bridge.CodeSessionInvalid},
		"a ClientVersion that is gone":  {join(func(j *proxy.FlexJoin) { j.ClientVersion = 100 }), bridge.CodeVersion},
		"no key":                        {refresh(func(r *proxy.FlexRefresh) { r.SecureKey = "" }), bridge.CodeSecureKey},
		"a wrong key":                   {refresh(func(r *proxy.FlexRefresh) { r.SecureKey = "wrong" }), bridge.CodeSecureKey},
		"another user's key":            {refresh(func(r *proxy.FlexRefresh) { r.SecureKey = ben.user.SecureKey }), bridge.CodeSecureKey},
		"another session":               {refresh(func(r *proxy.FlexRefresh) { r.Session = "s2" }), bridge.CodeParty},
		"an unknown user":               {refresh(func(r *proxy.FlexRefresh) { r.UserID = "nobody" }), bridge.CodeParty},
		"an agent of a socket":          {refresh(func(r *proxy.FlexRefresh) { r.UserID = "alice" }), bridge.CodeSecureKey},
		"a message and a notice":        {refresh(func(r *proxy.FlexRefresh) { r.Text, r.Notice = "x", &bridge.Notify{Notice: bridge.TypingStarted} }), bridge.CodeMessage},
		"a notice without a rule":       {refresh(func(r *proxy.FlexRefresh) { r.Notice = &bridge.Notify{Notice: bridge.IdleControlAlert} }), bridge.CodeMessage},
		"an agent's notice":             {refresh(func(r *proxy.FlexRefresh) { r.Notice = &bridge.Notify{Notice: bridge.IdleControlSet} }), bridge.CodeForbidden},
		"a direct notice":               {refresh(func(r *proxy.FlexRefresh) { r.Notice = &bridge.Notify{Notice: bridge.TypingStarted, Receiver: "alice"} }), bridge.CodeForbidden},
		"a text that is too long":       {refresh(func(r *proxy.FlexRefresh) { r.Text = strings.Repeat("x", bridge.MaxText+1) }), bridge.CodeTextLength},
		"a visibility that it may not have": {refresh(func(r *proxy.FlexRefresh) {
			r.Notice = &bridge.Notify{Notice: bridge.TypingStarted, Visibility: bridge.Internal}
		}), bridge.CodeForbidden},
		"a direct message to a flex party": {func() error {
			_, err := w.Chat.Post(ctx, "s1", "alice", bridge.Event{Type: bridge.Message, Text: "psst", Receiver: ann.user.UserID})
			return err
		}, bridge.CodeForbidden},
		"a direct message of a flex party": {func() error {
			_, err := w.Chat.Post(ctx, "s1", ann.user.UserID, bridge.Event{Type: bridge.Message, Text: "psst", Receiver: "alice"})
			return err
		}, bridge.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.do()
			require.Equal(t, tc.code, bridge.CodeOf(err), "%v", err)
		})
	}
	require.Len(t, ann.refresh(w, proxy.FlexRefresh{}).Transcript.Events, 2, "nothing but that Ben and alice joined")
}

// A client that has not got the answer to its join repeats it.
func TestFlexJoinRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FlexDisconnectTimeout = time.Hour })
	in, err := w.Proxy.Flex().Login(t.Context(), proxy.FlexLogin{Nickname: "Ann"})
	require.NoError(t, err)
	j := proxy.FlexJoin{FlexUser: proxy.FlexUser{UserID: in.UserID, SecureKey: in.SecureKey, FromPosition: 1}}
	first, err := w.Proxy.Flex().Join(t.Context(), j)
	require.NoError(t, err)
	second, err := w.Proxy.Flex().Join(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, first.SecureKey, second.SecureKey)
	require.Equal(t, first.Transcript, second.Transcript)
	j.Session = "another"
	_, err = w.Proxy.Flex().Join(t.Context(), j)
	require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err))
}

func TestFlexPartyLeavesAfterTheTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FlexDisconnectTimeout = flexAway })
	agent, _ := w.join(w.agent)
	ann, _ := w.call("Ann", "s1")
	wrong := ann.user
	wrong.SecureKey = "wrong"
	ctx, cancel := context.WithCancel(t.Context())
	var guessing sync.WaitGroup
	guessing.Go(func() { // keeps nobody in
		for ctx.Err() == nil {
			w.Proxy.Flex().Refresh(ctx, proxy.FlexRefresh{FlexUser: wrong})
		}
	})
	left := await(agent, isLeft)
	cancel()
	guessing.Wait()
	require.Equal(t, ann.user.UserID, left.Event.From.UserID)
	require.EqualValues(t, bridge.ReasonDisconnected.Code, left.Event.Reason.Code)
	w.awaitSeated(1)
	require.True(t, ann.refresh(w, proxy.FlexRefresh{}).Ended, "it is told that it has left")
	_, err := ann.try(w, proxy.FlexRefresh{})
	require.Equal(t, bridge.CodeLoggedOut, bridge.CodeOf(err))
}

// A party that makes its requests at one proxy after the other stays, and so does one whose
// proxy dies, as long as it makes requests.
func TestFlexPartyThatRefreshesStays(t *testing.T) {
	t.Parallel()
	away := func(c *proxy.Config) { c.FlexDisconnectTimeout = time.Minute }
	w := newWorld(t, away)
	twin := w.another(func(c *proxy.Config) { c.FlexDisconnectTimeout = flexAway })
	agent, _ := w.join(w.agent)
	ann, _ := twin.call("Ann", "s1")
	ann.refresh(w, proxy.FlexRefresh{})
	w.awaitSeated(2) // alice, and Ann at w: the twin's short time is up
	ann.refresh(w, proxy.FlexRefresh{Text: "still here"})
	await(agent, func(m *bridge.EventAdded) bool {
		require.NotEqual(t, bridge.PartyLeft, m.Event.Type)
		return m.Event.Text == "still here"
	})
}

// A party whose proxy is killed leaves in the time that its seat says.
func TestFlexPartyOfAKilledProxyLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FlexDisconnectTimeout, c.DisconnectTimeout = flexAway, time.Hour })
	twin := w.another(func(c *proxy.Config) { c.FlexDisconnectTimeout = time.Hour })
	agent, _ := twin.join(w.agent)
	ann, _ := w.call("Ann", "s1")
	ann.refresh(w, proxy.FlexRefresh{})
	w.Crash()
	left := await(agent, isLeft)
	require.Equal(t, ann.user.UserID, left.Event.From.UserID)
	require.EqualValues(t, bridge.ReasonDisconnected.Code, left.Event.Reason.Code)
}

// T5: all proxies were away for longer than a party may be. It has its full time again from their
// restart.
func TestFlexPartyHasItsFullTimeAfterARestartOfAllProxies(t *testing.T) {
	t.Parallel()
	const away = 3 * time.Second
	timeout := func(c *proxy.Config) { c.FlexDisconnectTimeout = away }
	w := newWorld(t, timeout)
	ann, _ := w.call("Ann", "s1")
	bob, _ := w.call("Bob", "s1")
	w.Crash()
	<-time.After(away + away/10)
	restarted := time.Now()
	w = w.another(timeout)
	agent, _ := w.join(w.agent)
	require.False(t, ann.refresh(w, proxy.FlexRefresh{Text: "still here"}).Ended)
	left := await(agent, func(m *bridge.EventAdded) bool { return isLeft(m) && m.Event.From.UserID == bob.user.UserID })
	require.GreaterOrEqual(t, left.Event.At, restarted.Add(away).UnixMilli(), "Bob, who never comes back")
}

// A transient notice waits for the next request, and is in one answer, whichever proxy gives it.
func TestFlexTransientOnce(t *testing.T) {
	t.Parallel()
	away := func(c *proxy.Config) { c.FlexDisconnectTimeout = time.Hour }
	w := newWorld(t, away)
	twin := w.another()
	w.join(w.agent)
	ann, _ := w.call("Ann", "s1")
	ann.refresh(twin, proxy.FlexRefresh{}) // both proxies have it now
	got := map[string]int{}
	const all = 8
	for i := range all {
		w.posts("s1", "alice", typed(strconv.Itoa(i)))
		require.Eventually(t, func() bool {
			for _, at := range []*world{w, twin, w} {
				for _, e := range ann.refresh(at, proxy.FlexRefresh{}).Transcript.Events {
					require.Zero(t, e.ID)
					require.EqualValues(t, 1, e.PartyID)
					got[e.Text]++
				}
			}
			return got[strconv.Itoa(i)] > 0
		}, wait, time.Millisecond)
	}
	for range 3 {
		require.Empty(t, ann.refresh(w, proxy.FlexRefresh{}).Transcript.Events)
		require.Empty(t, ann.refresh(twin, proxy.FlexRefresh{}).Transcript.Events)
	}
	for i := range all {
		require.Equal(t, 1, got[strconv.Itoa(i)], "notice %d", i)
	}
}

func TestFlexLongTranscript(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FlexDisconnectTimeout = time.Hour })
	ann, _ := w.call("Ann", "s1")
	w.join(w.agent)
	const all = 1100
	for i := range all {
		w.posts("s1", "alice", spoken(strconv.Itoa(i)))
	}
	late, s := w.call("Late", "s1")
	var ids []int64
	for more := true; more; more = s.Transcript.More {
		if ids != nil {
			s = late.refresh(w, proxy.FlexRefresh{})
		}
		for _, e := range s.Transcript.Events {
			ids = append(ids, e.ID)
		}
	}
	require.Len(t, ids, all+3)
	for i, id := range ids {
		require.EqualValues(t, i+1, id)
	}
	require.EqualValues(t, 3, s.PartyID)
	require.NotEqual(t, ann.user.UserID, late.user.UserID)
}

// Any number of users share the front door.
func TestFlexManyUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FlexDisconnectTimeout = time.Hour })
	const users, each = 8, 5
	var all sync.WaitGroup
	for u := range users {
		all.Go(func() {
			c, _ := w.call("user "+strconv.Itoa(u), "s"+strconv.Itoa(u%2))
			for i := range each {
				if _, err := c.try(w, proxy.FlexRefresh{Text: strconv.Itoa(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	c, s := w.call("last", "s0")
	require.Len(t, s.Transcript.Events, users/2*(each+1)+1)
	require.EqualValues(t, users/2+1, s.PartyID)
	c.refresh(w, proxy.FlexRefresh{})
}
