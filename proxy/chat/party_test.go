package chat_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// enter lets a party join, and returns the answer.
func enter(t testing.TB, s *chat.Server, session string, j proxy.Joining) proxy.Joined {
	t.Helper()
	joined, err := s.Join(t.Context(), session, j)
	require.NoError(t, err)
	return joined
}

func by(p bridge.Party, key string) proxy.Joining { return proxy.Joining{Party: p, SecureKey: key} }

// events are the session's events, whatever their visibility.
func events(t testing.TB, s *chat.Server, session string) (all []bridge.Event) {
	t.Helper()
	require.NoError(t, s.Transcript(t.Context(), session, 0, func(e bridge.Event) error {
		all = append(all, e)
		return nil
	}))
	return all
}

func TestJoin_WhatAPartyJoinsWithIsInItsEvent(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	p := bob
	p.PersonID, p.TimeZoneOffset = "e7", -480
	enter(t, s, "s1", proxy.Joining{Party: sue})
	enter(t, s, "s1", proxy.Joining{
		Party: p, Text: "hello\x00", QueueKey: "1:chat", Subject: "Help",
		UserData:   bridge.Data{bridge.Text("GCTI_Chat_PartyStyle", "BOT"), bridge.Text("case", "42")},
		Attributes: bridge.Data{bridge.Text("a", "b")},
	})
	e := receive(t, s, "s1", sue, 1).until(t, 2)[0]
	require.Equal(t, bridge.NewParty, e.Type)
	require.Equal(t, &bridge.UserInfo{PersonID: "e7", TimeZoneOffset: -480}, e.Info)
	require.Equal(t, "hello\uFFFD", e.Text)
	require.Equal(t, "42", e.Data.Get("case"))
	require.Equal(t, bridge.StyleBot, e.From.Style)
	require.Equal(t, "b", e.Attributes.Get("a"))
	require.Equal(t, bridge.StyleBot, e.Attributes.Style())

	stored, err := s.Post(t.Context(), "s1", "bob", text("x"))
	require.NoError(t, err)
	require.Equal(t, bridge.StyleBot, stored.From.Style)
}

func TestJoin_ACustomerIsNoBot(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	j := enter(t, s, "s1", proxy.Joining{Party: ann, UserData: bridge.Data{bridge.Text("GCTI_Chat_PartyStyle", "BOT")}})
	require.Empty(t, j.Party.Style)
}

// H9: a secure key is worth a party, so only its hash is stored.
func TestJoin_AttachesByTheSecureKey(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	s, other := serve(t, e, chat.Options{}), serve(t, e, chat.Options{})
	first := enter(t, s, "s1", proxy.Joining{Party: bob})
	require.Len(t, first.SecureKey, 26)
	require.False(t, first.Attached)
	require.NotEqual(t, first.SecureKey, enter(t, s, "s1", proxy.Joining{Party: ann}).SecureKey)

	renamed := bob
	renamed.Nickname = "Robert"
	again := enter(t, other, "s1", by(renamed, first.SecureKey))
	require.True(t, again.Attached)
	require.Equal(t, first.SecureKey, again.SecureKey, "it is stable")
	require.Equal(t, first.Party, again.Party, "the session's nickname stays")
	require.EqualValues(t, 2, again.Position, "attaching is not an event")
	require.Empty(t, enter(t, other, "s1", proxy.Joining{Party: bob}).SecureKey, "only its hash is known")

	for _, found := range events(t, s, "s1") {
		require.NotContains(t, string(bridge.AppendEvent(nil, found)), first.SecureKey)
	}
	stream, err := e.JetStream().Stream(t.Context(), "CHAT")
	require.NoError(t, err)
	for seq := uint64(1); seq <= 2; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		require.NoError(t, err)
		require.NotContains(t, string(m.Data), first.SecureKey)
	}
}

func TestJoin_RefusesAWrongSecureKey(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	key := enter(t, s, "s1", proxy.Joining{Party: bob}).SecureKey
	annsKey := enter(t, s, "s1", proxy.Joining{Party: ann}).SecureKey
	gone := enter(t, s, "s1", proxy.Joining{Party: carl}).SecureKey
	require.NoError(t, s.Leave(t.Context(), "s1", "carl", proxy.Departure{Reason: bridge.ReasonDisconnected}))
	enter(t, s, "over", proxy.Joining{Party: bob})
	require.NoError(t, s.Leave(t.Context(), "over", "bob", proxy.Departure{After: bridge.ForceClose}))
	asAgent := ann
	asAgent.UserType = bridge.Agent
	for name, c := range map[string]struct {
		session string
		j       proxy.Joining
		code    bridge.Code
	}{
		"a wrong key":                {"s1", by(bob, "wrong"), bridge.CodeSecureKey},
		"another party's key":        {"s1", by(bob, annsKey), bridge.CodeSecureKey},
		"the key's beginning":        {"s1", by(bob, key[:25]), bridge.CodeSecureKey},
		"a party that was never in":  {"s1", by(sue, key), bridge.CodeParty},
		"a party that has left":      {"s1", by(carl, gone), bridge.CodeLoggedOut},
		"a session that never began": {"none", by(bob, key), bridge.CodeParty},
		"a session that has ended":   {"over", by(bob, key), bridge.CodeSessionEnded},
		"the right key as an agent":  {"s1", by(asAgent, annsKey), bridge.CodeForbidden},
		"a key of a kilobyte":        {"s1", by(bob, strings.Repeat("x", 1024)), bridge.CodeMessage},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Join(t.Context(), c.session, c.j)
			requireCode(t, c.code, err)
			require.NotContains(t, err.Error(), c.j.SecureKey)
			if c.code == bridge.CodeParty {
				require.Contains(t, bridge.AsError(err).Hint, "connect without a secure key")
			}
		})
	}
	require.Empty(t, events(t, s, "none"), "an attempt creates no session")
	enter(t, s, "s1", by(bob, key)) // a wrong key removes nobody
}

func TestJoin_WrongKeyRemovesIfTheOptionSaysSo(t *testing.T) {
	t.Parallel()
	o := chat.Options{WrongKeyRemoves: true}
	require.NoError(t, o.SetNamed("reason-text-6=bad key"))
	s := start(t, o)
	key := enter(t, s, "s1", proxy.Joining{Party: bob}).SecureKey
	enter(t, s, "s1", proxy.Joining{Party: ann})
	_, err := s.Join(t.Context(), "s1", by(bob, "wrong"))
	requireCode(t, bridge.CodeSecureKey, err)
	left := receive(t, s, "s1", ann, 2).until(t, 3)[0]
	require.Equal(t, bridge.PartyLeft, left.Type)
	require.Equal(t, &bridge.Reason{Code: 6, Text: "bad key"}, left.Reason)
	require.Equal(t, "6", left.Attributes.In("GCTI_SYSTEM").Get("quit-reason-code"))
	_, err = s.Join(t.Context(), "s1", by(bob, key))
	requireCode(t, bridge.CodeLoggedOut, err)
}

func TestJoin_AttachTakesOverIfTheOptionSaysSo(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	for _, takesOver := range []bool{false, true} {
		o := chat.Options{AttachTakesOver: takesOver}
		s, other := serve(t, e, o), serve(t, e, o)
		session := map[bool]string{false: "shared", true: "taken"}[takesOver]
		key := enter(t, s, session, proxy.Joining{Party: bob}).SecureKey
		enter(t, s, session, proxy.Joining{Party: sue})
		desktop, supervisor := receive(t, s, session, bob, 0), receive(t, s, session, sue, 0)
		desktop.until(t, 2)
		enter(t, other, session, by(bob, key))
		page := receive(t, other, session, bob, 0)
		stored, err := other.Post(t.Context(), session, "sue", text("hello"))
		require.NoError(t, err)
		page.until(t, stored.ID)
		supervisor.until(t, stored.ID)
		if takesOver {
			requireCode(t, bridge.CodeTakenOver, desktop.end(t))
			continue
		}
		desktop.until(t, stored.ID)
	}
}

// Gap 10: each connection gets what its own version knows; the party, what any of them does.
func TestJoin_HigherVersionOfAnotherConnection(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	s, other := serve(t, e, chat.Options{}), serve(t, e, chat.Options{})
	old := elder
	require.EqualValues(t, 103, enter(t, s, "s1", proxy.Joining{Party: old}).Party.ClientVersion)
	early := receive(t, s, "s1", old, 0)
	current := old
	current.ClientVersion = 999
	require.EqualValues(t, 106, enter(t, other, "s1", proxy.Joining{Party: current}).Party.ClientVersion)
	require.EqualValues(t, 106, enter(t, s, "s1", proxy.Joining{Party: old}).Party.ClientVersion, "it is never lowered")
	enter(t, s, "s1", proxy.Joining{Party: bob})
	stored, err := s.Post(t.Context(), "s1", "bob", notice("k", "a.pdf", 1))
	require.NoError(t, err)
	receive(t, other, "s1", current, 0).until(t, stored.ID)
	early.until(t, stored.ID)
	_, err = s.File(t.Context(), "s1", "elder", stored.Data.Get(bridge.KeyFileID))
	require.NoError(t, err)
}

func TestEvents_SystemBelow103(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	for option, want := range map[string]bridge.UserType{"hide": "", "EXTERNAL": bridge.External, "AGENT": bridge.Agent} {
		var o chat.Options
		require.NoError(t, o.SetNamed("system-below-103="+option))
		s := serve(t, e, o)
		session := "system-" + strings.ToLower(option)
		aged := bob
		aged.ClientVersion = 102
		join(t, s, session, aged, sue, bot)
		said, err := s.Post(t.Context(), session, "bot", text("from the server"))
		require.NoError(t, err)
		end, err := s.Post(t.Context(), session, "sue", text("end"))
		require.NoError(t, err)
		var got bridge.UserType
		for _, e := range receive(t, s, session, aged, 0).until(t, end.ID) {
			if e.ID == said.ID {
				got = e.From.UserType
			}
		}
		require.Equal(t, want, got, option)
		require.Equal(t, bridge.System, receive(t, s, session, sue, said.ID-1).until(t, said.ID)[0].From.UserType)
	}
}

func TestJoin_SessionPassword(t *testing.T) {
	t.Parallel()
	const word = "correct horse"
	e := store(t, t.TempDir())
	o := chat.Options{EnforcePassword: true}
	s, other := serve(t, e, o), serve(t, e, o)
	with := func(p bridge.Party, password string) proxy.Joining {
		return proxy.Joining{Party: p, Password: password}
	}
	inData := proxy.Joining{Party: bob, UserData: bridge.Data{
		bridge.Text("GCTI_Chat_SessionPassword", word), bridge.Text("ChatServerSessionPassword", word),
		bridge.List("deep", bridge.Data{bridge.Text("GCTI_Chat_SessionPassword", word), bridge.Text("c", "d")}), bridge.Text("a", "b"),
	}}
	refused := func(s *chat.Server, j proxy.Joining) {
		t.Helper()
		_, err := s.Join(t.Context(), "s1", j)
		requireCode(t, bridge.CodePassword, err)
		require.NotContains(t, err.Error(), word)
	}
	refused(s, proxy.Joining{Party: ann})
	require.Empty(t, events(t, s, "s1"))
	enter(t, s, "s1", with(ann, word))
	refused(other, proxy.Joining{Party: bob})
	refused(other, with(bob, "wrong horse"))
	refused(s, proxy.Joining{Party: ann})
	key := enter(t, other, "s1", inData).SecureKey
	enter(t, s, "s1", with(ann, word))
	enter(t, s, "s1", by(bob, key))

	_, err := s.Post(t.Context(), "s1", "bob", bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.UpdateUserData, Data: inData.UserData, Attributes: inData.UserData,
	})
	require.NoError(t, err)
	require.NoError(t, s.Leave(t.Context(), "s1", "bob", proxy.Departure{Attributes: inData.UserData}))
	all := events(t, s, "s1")
	require.Equal(t, "b", all[1].Data.Get("a"))
	require.Equal(t, "d", all[1].Data.In("deep").Get("c"))
	stream, err := e.JetStream().Stream(t.Context(), "CHAT")
	require.NoError(t, err)
	for seq := uint64(1); seq <= 4; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		require.NoError(t, err)
		require.NotContains(t, string(m.Data), word)
	}
}

func TestJoin_PasswordIsIgnoredUnlessEnforced(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	s := serve(t, e, chat.Options{})
	enter(t, s, "s1", proxy.Joining{Party: ann, Password: "a"})
	enter(t, s, "s1", proxy.Joining{Party: bob, Password: "b"})
	strict := serve(t, e, chat.Options{EnforcePassword: true})
	enter(t, strict, "s1", proxy.Joining{Party: sue}) // a session from before the option
}

func TestLeave_RemovalOfAnotherParty(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	coach := bridge.Party{UserID: "coach", UserType: bridge.Supervisor, Visibility: bridge.Internal, ClientVersion: 106}
	for name, c := range map[string]struct {
		asker, removed string
		after          bridge.AfterAction
		code           bridge.Code
		over           bool
	}{
		"an agent, a customer":            {"bob", "ann", "", "", false},
		"an agent, another agent":         {"bob", "elder", "", "", false},
		"an agent, a supervisor":          {"bob", "coach", "", bridge.CodeForbidden, false},
		"an agent, a hidden supervisor":   {"bob", "ivy", "", bridge.CodeParty, false},
		"a supervisor, an agent":          {"sue", "bob", "", "", false},
		"a supervisor, a hidden one":      {"sue", "ivy", "", "", false},
		"a customer, an agent":            {"ann", "bob", "", bridge.CodeForbidden, false},
		"a customer, a coach":             {"ann", "coach", "", bridge.CodeParty, false},
		"a customer, another":             {"ann", "carl", "", bridge.CodeForbidden, false},
		"a stranger":                      {"zoe", "ann", "", bridge.CodeNotJoined, false},
		"a party that was never in":       {"bob", "zoe", "", bridge.CodeParty, false},
		"an agent, and the session":       {"bob", "ann", bridge.ForceClose, "", true},
		"a supervisor, and no agent left": {"sue", "ann", bridge.CloseIfNoAgents, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			session := strings.NewReplacer(" ", "-", ",", "").Replace(name)
			join(t, s, session, ann, bob, sue, carl, elder, coach, ivy)
			d := proxy.Departure{Asker: c.asker, After: c.after, Text: "good bye", Attributes: bridge.Data{bridge.Text("a", "b")}}
			err := s.Leave(t.Context(), session, c.removed, d)
			require.Equal(t, c.code, bridge.CodeOf(err), "%v", err)
			all := events(t, s, session)
			if c.code != "" {
				require.Len(t, all, 7)
				return
			}
			left := all[7]
			require.Equal(t, c.removed, left.From.UserID)
			require.Equal(t, c.asker, left.Asker)
			require.Equal(t, "good bye", left.Text)
			require.Equal(t, &bridge.Reason{Code: 4, Text: "removed by other party"}, left.Reason)
			require.Equal(t, "4", left.Attributes.In("GCTI_SYSTEM").Get("quit-reason-code"))
			require.Equal(t, "b", left.Attributes.Get("a"))
			err = s.Leave(t.Context(), session, c.removed, d)
			if c.over {
				requireCode(t, bridge.CodeSessionEnded, err)
				return
			}
			require.NoError(t, err, "a repeated request")
			require.Len(t, events(t, s, session), 8)
		})
	}
}

func TestLeave_ReasonsHaveTexts(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", sue)
	texts := map[int64]string{
		0: "left", 1: "left with request to close if no agents", 2: "left with request to close forcedly",
		3: "left due to disconnect", 4: "removed by other party", 5: "removed by system",
		6: "removed due to wrong secure key", 7: "removed due to inactivity of session", 8: "removed while restoring session",
		9: "",
	}
	for code, want := range texts {
		join(t, s, "s1", bob)
		require.NoError(t, s.Leave(t.Context(), "s1", "bob", proxy.Departure{Reason: bridge.Reason{Code: code}}))
		all := events(t, s, "s1")
		require.Equal(t, &bridge.Reason{Code: code, Text: want}, all[len(all)-1].Reason)
	}
}

// Gap 3: a party that only monitors is nobody, unless an option says that it is an agent.
func TestVipIsNobody(t *testing.T) {
	t.Parallel()
	limits := bridge.VendorLimits()
	limits.NeedAgent = true
	e := store(t, t.TempDir())
	for _, counts := range []bool{false, true} {
		s := serve(t, e, chat.Options{CustomerLimits: &limits, VipIsAgent: counts})
		session := map[bool]string{false: "nobody", true: "agent"}[counts]
		join(t, s, session, ann, ivy)
		for _, p := range []bridge.Party{ann, ivy} {
			l, err := s.Limits(t.Context(), session, p.UserID)
			require.NoError(t, err)
			require.Equal(t, counts, l.AgentHere, p.UserID)
		}
		err := s.Reserve(t.Context(), session, "ann", "k1", "a.pdf", 1)
		require.Equal(t, counts, err == nil, "%v", err)
		join(t, s, session, sue)
		require.NoError(t, s.Leave(t.Context(), session, "sue", proxy.Departure{After: bridge.CloseIfNoAgents}))
		_, err = s.Limits(t.Context(), session, "ann")
		require.Equal(t, counts, err == nil, "%v", err)
	}
}

func TestJoined_Monitored(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	for option, want := range map[string]map[string]bool{
		"staff": {"ann": false, "bob": true, "sue": true, "elder": false, "ivy": false},
		"vip":   {"ann": false, "bob": false, "sue": true, "elder": false, "ivy": false},
		"all":   {"ann": true, "bob": true, "sue": true, "elder": false, "ivy": false},
	} {
		var o chat.Options
		require.NoError(t, o.SetNamed("monitored-for="+option))
		s := serve(t, e, o)
		join(t, s, "m-"+option, ivy)
		for _, p := range []bridge.Party{ann, bob, sue, elder, ivy} {
			j := enter(t, s, "m-"+option, proxy.Joining{Party: p})
			require.Equal(t, want[p.UserID], j.Monitored, "%s: %s", option, p.UserID)
			require.NotZero(t, j.Started)
		}
		require.NoError(t, s.Leave(context.Background(), "m-"+option, "ivy", proxy.Departure{}))
		require.False(t, enter(t, s, "m-"+option, proxy.Joining{Party: bob}).Monitored)
	}
}
