package chat_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})

	first, err := s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	require.EqualValues(t, 1, first.Position)
	require.Equal(t, bridge.All, first.Party.Visibility)
	require.EqualValues(t, bridge.VersionCurrent, first.Party.ClientVersion)
	require.Equal(t, bridge.VendorLimits(), first.Limits)

	second, err := s.Join(t.Context(), "s1", proxy.Joining{Party: bob})
	require.NoError(t, err)
	require.EqualValues(t, 2, second.Position)
	want := bridge.Unlimited()
	want.AgentHere = true
	require.Equal(t, want, second.Limits)

	again, err := s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	require.EqualValues(t, 2, again.Position, "attaching again is not an event")
	require.Equal(t, first.Party, again.Party)
	require.True(t, again.Limits.AgentHere)

	events := receive(t, s, "s1", ann, 0).until(t, 2)
	require.Equal(t, bridge.NewParty, events[0].Type)
	require.Equal(t, first.Party, events[0].From)
	require.Equal(t, second.Party, events[1].From)
	require.GreaterOrEqual(t, events[1].At, events[0].At)
}

func TestJoinRefused(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "alive", ann, bob)
	join(t, s, "over", bob)
	require.NoError(t, s.Leave(t.Context(), "over", "bob", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.ForceClose}))

	cases := map[string]struct {
		session string
		party   bridge.Party
		code    bridge.Code
	}{
		"a session id with a dot":         {"a.b", ann, bridge.CodeSessionInvalid},
		"a session id with a wildcard":    {">", ann, bridge.CodeSessionInvalid},
		"no session id":                   {"", ann, bridge.CodeSessionInvalid},
		"no user id":                      {"s", bridge.Party{UserType: bridge.Client}, bridge.CodeMessage},
		"a user id that XML cannot carry": {"s", bridge.Party{UserID: "a\uFFFE", UserType: bridge.Client}, bridge.CodeMessage},
		"a user id that is not UTF-8":     {"s", bridge.Party{UserID: "a\xFF", UserType: bridge.Client}, bridge.CodeMessage},
		"an unknown type":                 {"s", bridge.Party{UserID: "a", UserType: "ADMIN"}, bridge.CodeMessage},
		"a customer that coaches":         {"s", bridge.Party{UserID: "a", UserType: bridge.Client, Visibility: bridge.Internal}, bridge.CodeForbidden},
		"a version before all":            {"s", bridge.Party{UserID: "a", UserType: bridge.Client, ClientVersion: 100}, bridge.CodeVersion},
		"another type":                    {"alive", bridge.Party{UserID: "ann", Nickname: "Ann", UserType: bridge.Agent}, bridge.CodeForbidden},
		"an ended session, a newcomer":    {"over", ann, bridge.CodeSessionEnded},
		"an ended session, a member":      {"over", bob, bridge.CodeSessionEnded},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := s.Join(t.Context(), c.session, proxy.Joining{Party: c.party})
			requireCode(t, c.code, err)
		})
	}
}

func TestLeave(t *testing.T) {
	t.Parallel()
	all := []bridge.Party{ann, bob, sue}
	cases := map[string]struct {
		in     []bridge.Party
		leaver string
		after  bridge.AfterAction
		code   bridge.Code
		over   bool
	}{
		"nothing said":                                                   {all, "ann", "", "", false},
		"keep-alive":                                                     {all, "bob", bridge.KeepAlive, "", false},
		"keep-alive of the last":                                         {[]bridge.Party{ann}, "ann", bridge.KeepAlive, "", false},
		"close-if-no-agents, an agent stays":                             {all, "ann", bridge.CloseIfNoAgents, "", false},
		"close-if-no-agents, a supervisor":                               {all, "bob", bridge.CloseIfNoAgents, "", false},
		"close-if-no-agents, the last agent":                             {[]bridge.Party{ann, bob}, "bob", bridge.CloseIfNoAgents, "", true},
		"close-if-no-agents, customers alone":                            {[]bridge.Party{ann, carl}, "ann", bridge.CloseIfNoAgents, "", true},
		"close-if-no-agents, a system stays":                             {[]bridge.Party{ann, bob, bot}, "bob", bridge.CloseIfNoAgents, "", true},
		"M5 close-if-no-agents of a customer, a hidden supervisor stays": {[]bridge.Party{ann, ivy}, "ann", bridge.CloseIfNoAgents, "", true},
		"close-if-no-agents of a supervisor, a hidden one stays":         {[]bridge.Party{ann, sue, ivy}, "sue", bridge.CloseIfNoAgents, "", true},
		"force-close by an agent":                                        {all, "bob", bridge.ForceClose, "", true},
		"force-close by a system":                                        {[]bridge.Party{ann, bob, bot}, "bot", bridge.ForceClose, "", true},
		"force-close by a customer":                                      {all, "ann", bridge.ForceClose, bridge.CodeForbidden, false},
		"by a party that is not in":                                      {all, "carl", bridge.KeepAlive, bridge.CodeNotJoined, false},
		"an unknown action":                                              {all, "ann", "explode", bridge.CodeMessage, false},
	}
	s := start(t, chat.Options{})
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			session := strings.Map(func(r rune) rune {
				if r == ' ' || r == ',' {
					return '_'
				}
				return r
			}, name)
			join(t, s, session, c.in...)
			err := s.Leave(t.Context(), session, c.leaver, proxy.Departure{Reason: bridge.ReasonRemoved, After: c.after})
			if c.code != "" {
				requireCode(t, c.code, err)
			} else {
				require.NoError(t, err)
			}
			_, err = s.Join(t.Context(), session, proxy.Joining{Party: bridge.Party{UserID: "late", UserType: bridge.Client}})
			if !c.over {
				require.NoError(t, err)
				return
			}
			requireCode(t, bridge.CodeSessionEnded, err)
			requireCode(t, bridge.CodeSessionEnded, s.Leave(t.Context(), session, c.in[0].UserID, proxy.Departure{Reason: bridge.ReasonLeft, After: ""}))
		})
	}
}

func TestLeaveIsSeenByTheOthers(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)
	reason := bridge.Reason{Code: 4, Text: "removed\x00"}
	require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: reason, After: ""}))
	left := receive(t, s, "s1", bob, 2).until(t, 3)[0]
	require.Equal(t, bridge.PartyLeft, left.Type)
	require.Equal(t, "ann", left.From.UserID)
	require.Equal(t, &bridge.Reason{Code: 4, Text: "removed\uFFFD"}, left.Reason)

	again, err := s.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: "ann", Nickname: "Anna", UserType: bridge.Client}})
	require.NoError(t, err, "a party that has left may come back with another type")
	require.EqualValues(t, 4, again.Position)
}

func TestSessionEndsByAge(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := start(t, chat.Options{Retention: time.Hour, Now: func() time.Time { return now }})
	join(t, s, "s1", ann)
	now = now.Add(time.Hour - time.Millisecond)
	post(t, s, "s1", ann, text("still here"))
	now = now.Add(time.Millisecond)
	_, err := s.Post(t.Context(), "s1", "ann", text("too late"))
	requireCode(t, bridge.CodeSessionEnded, err)
}

func TestClockNeverGoesBack(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := start(t, chat.Options{Now: func() time.Time { return now }})
	join(t, s, "s1", ann)
	first := post(t, s, "s1", ann, text("one"))
	require.Equal(t, now.UnixMilli(), first.At)
	now = now.Add(-time.Minute)
	require.Equal(t, first.At, post(t, s, "s1", ann, text("two")).At)
}

// B39: a party that joins again with another nickname is renamed. It has not left, and
// its later events have the new name.
func TestB39Rename(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)
	old := bridge.Party{UserID: "old", UserType: bridge.Agent, ClientVersion: 101}
	join(t, s, "s1", old)
	renamed := ann
	renamed.Nickname = "Ann L."
	for range 2 { // a page repeats the request after a lost answer
		again, err := s.Join(t.Context(), "s1", proxy.Joining{Party: renamed})
		require.NoError(t, err)
		require.Equal(t, "Ann L.", again.Party.Nickname)
		require.EqualValues(t, 4, again.Position, "one event")
	}
	nameless := renamed
	nameless.Nickname = ""
	again, err := s.Join(t.Context(), "s1", proxy.Joining{Party: nameless})
	require.NoError(t, err)
	require.Equal(t, "Ann L.", again.Party.Nickname, "a token without a nickname")
	require.EqualValues(t, 4, again.Position)
	post(t, s, "s1", renamed, text("it is me"))
	require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: ""}))

	events := receive(t, s, "s1", bob, 3).until(t, 6)
	require.Equal(t, []bridge.EventType{bridge.Notice, bridge.Message, bridge.PartyLeft}, []bridge.EventType{events[0].Type, events[1].Type, events[2].Type})
	require.Equal(t, bridge.UpdateNick, events[0].NoticeType)
	require.Equal(t, "Ann L.", events[0].Text)
	for _, e := range events {
		require.Equal(t, "ann", e.From.UserID)
		require.Equal(t, "Ann L.", e.From.Nickname)
	}
	require.Equal(t, bridge.Message, receive(t, s, "s1", old, 3).until(t, 5)[0].Type, "a version that knows no such notice")
}
