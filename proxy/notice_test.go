package proxy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// answer sends a request and returns its done or its refusal, whatever comes between.
func (p *page) answer(m bridge.Wire, ref int64) (*bridge.Done, *bridge.Error) {
	p.t.Helper()
	p.send(m)
	for {
		switch m := p.next().(type) {
		case *bridge.Done:
			if m.Ref == ref {
				return m, nil
			}
		case *bridge.Fail:
			require.Equal(p.t, ref, m.Ref, "%v", m.Error.Message)
			return nil, &m.Error
		}
	}
}

// notice reads up to the next event of that notice type.
func (p *page) notice(kind string) bridge.Event {
	p.t.Helper()
	return await(p, func(m *bridge.EventAdded) bool { return m.Event.NoticeType == kind }).Event
}

func TestNotify_TypingReachesTheOtherPageWithoutAnID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	agent, _ := w.another().join(w.agent)
	_, refused := agent.answer(&bridge.Say{Ref: 1, Key: newKey(), Text: "hello"}, 1)
	require.Nil(t, refused)
	await(customer, func(m *bridge.EventAdded) bool { return m.Event.Text == "hello" }) // its events are live
	done, refused := agent.answer(&bridge.Notify{Ref: 2, Notice: bridge.TypingStarted, Text: "I th"}, 2)
	require.Nil(t, refused)
	require.Nil(t, done.Event)
	e := customer.notice(bridge.TypingStarted)
	require.True(t, e.Transient())
	require.Equal(t, "I th", e.Text)
	require.Equal(t, "alice", e.From.UserID)
}

func TestNotify_AKeptNoticeIsAnsweredWithItsEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	agent, _ := w.join(w.agent)
	m := &bridge.Notify{
		Ref: 1, Key: newKey(), Notice: bridge.UserCustom, Text: "form", Visibility: bridge.Internal,
		Data: bridge.Data{bridge.List("fields", bridge.Data{bridge.Text("a", "1")})},
	}
	done, refused := agent.answer(m, 1)
	require.Nil(t, refused)
	require.Equal(t, m.Data, done.Event.Data)
	require.Equal(t, bridge.Internal, done.Event.Visibility)

	// After a lost answer the page sends it again, perhaps to another proxy.
	again, _ := w.another().join(w.agent)
	repeated, refused := again.answer(m, 1)
	require.Nil(t, refused)
	require.Equal(t, done.Event, repeated.Event)

	m = &bridge.Notify{Ref: 2, Key: newKey(), Notice: bridge.PushURL, Text: "https://example.com/"}
	_, refused = agent.answer(m, 2)
	require.Nil(t, refused)
	require.Equal(t, m.Text, customer.notice(bridge.PushURL).Text, "and nothing internal before it")
}

// Trap 9: the nickname that a party gave itself outlasts its page.
func TestNotify_ARenamedPartyKeepsItsNameAtTheNextHello(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	done, refused := customer.answer(&bridge.Notify{Ref: 1, Key: newKey(), Notice: bridge.UpdateNick, Text: "Carol K."}, 1)
	require.Nil(t, refused)
	require.Equal(t, "Carol K.", done.Event.From.Nickname)
	_, welcome := w.another().join(w.customer)
	require.Equal(t, "Carol K.", welcome.Party.Nickname)
}

func TestNotify_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	agent, _ := w.join(w.agent)
	silent, _ := w.join(w.Token("s1", "quiet", bridge.Agent, bridge.RightDownload))
	hidden := bridge.Party{UserID: "vic", Nickname: "vic", UserType: bridge.Supervisor, Visibility: bridge.Vip}
	_, err := w.chat.Join(t.Context(), "s1", proxy.Joining{Party: hidden})
	require.NoError(t, err)
	remove := func(user string) *bridge.Notify {
		return &bridge.Notify{Key: newKey(), Notice: bridge.SystemCommand, Text: bridge.RemoveParty, Data: bridge.Data{bridge.Text(bridge.KeyUserID, user)}}
	}
	for name, tc := range map[string]struct {
		page *page
		m    *bridge.Notify
		code bridge.Code
	}{
		"a kept notice without a key":   {agent, &bridge.Notify{Notice: bridge.UserCustom}, bridge.CodeMessage},
		"a transient one with a key":    {agent, &bridge.Notify{Notice: bridge.TypingStarted, Key: newKey()}, bridge.CodeMessage},
		"a type without a rule":         {agent, &bridge.Notify{Notice: "X", Key: newKey()}, bridge.CodeMessage},
		"without the right to chat":     {silent, &bridge.Notify{Notice: bridge.TypingStarted}, bridge.CodeForbidden},
		"a customer, internally":        {customer, &bridge.Notify{Notice: bridge.UserCustom, Key: newKey(), Visibility: bridge.Internal}, bridge.CodeForbidden},
		"a customer attaches":           {customer, &bridge.Notify{Notice: bridge.SystemCommand, Text: bridge.FileUploaded, Key: newKey(), Data: bridge.Data{bridge.Text(bridge.KeyDocumentID, "d")}}, bridge.CodeForbidden},
		"a customer removes":            {customer, remove("alice"), bridge.CodeForbidden},
		"an agent removes itself":       {agent, remove("alice"), bridge.CodeForbidden},
		"a direct notice to nobody":     {agent, &bridge.Notify{Notice: bridge.UserCustom, Key: newKey(), Receiver: "zoe"}, bridge.CodeParty},
		"a direct notice to the hidden": {agent, &bridge.Notify{Notice: bridge.UserCustom, Key: newKey(), Receiver: "vic"}, bridge.CodeParty},
	} {
		tc.m.Ref = 7
		_, refused := tc.page.answer(tc.m, 7)
		require.NotNil(t, refused, name)
		require.Equal(t, tc.code, refused.Code, "%s: %s", name, refused.Message)
	}
	_, refused := agent.answer(&bridge.Find{Ref: 8}, 8)
	require.NotNil(t, refused)
	require.Equal(t, bridge.CodeLibrary, refused.Code)
}

// A removed party gets the reason, its page ends, and it counts as removed although the request
// comes twice; nobody removes a party that it may not see.
func TestNotify_RemovesAParty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.another().join(w.customer)
	agent, _ := w.join(w.agent)
	m := &bridge.Notify{
		Ref: 1, Key: newKey(), Notice: bridge.SystemCommand, Text: bridge.RemoveParty, Data: bridge.Data{bridge.Text(bridge.KeyUserID, "carol")},
	}
	for ref := range int64(2) {
		m.Ref = ref + 1
		done, refused := agent.answer(m, m.Ref)
		require.Nil(t, refused)
		require.Nil(t, done.Event)
	}
	require.Equal(t, bridge.CodeNotJoined, customer.refused())
	m.Ref, m.Data = 3, bridge.Data{bridge.Text(bridge.KeyUserID, "zoe")}
	_, refused := agent.answer(m, 3)
	require.Equal(t, bridge.CodeParty, refused.Code)
	again, _ := w.join(w.Token("s1", "sue", bridge.Supervisor, bridge.AllRights...))
	left := await(again, func(m *bridge.EventAdded) bool { return m.Event.Type == bridge.PartyLeft })
	require.Equal(t, "carol", left.Event.From.UserID)
	require.Equal(t, "alice", left.Event.Asker)
	require.EqualValues(t, 4, left.Event.Reason.Code)
}

// A customer that floods the chat with notices is slowed down as one that floods it with text.
func TestH5NoticesAreRateLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.TextRate, c.TextBurst = 1, 10_000 })
	customer, _ := w.join(w.customer)
	notify := func(ref int64, m bridge.Notify) *bridge.Error {
		m.Ref = ref
		_, refused := customer.answer(&m, ref)
		return refused
	}
	data := bridge.Data{bridge.Text("a", strings.Repeat("x", 2000)), bridge.Text("b", strings.Repeat("x", 2000))}
	require.Nil(t, notify(1, bridge.Notify{Notice: bridge.UserCustom, Key: newKey(), Data: data}))
	require.Nil(t, notify(2, bridge.Notify{Notice: bridge.UserCustom, Key: newKey(), Data: data}))
	require.Equal(t, bridge.CodeBusy, notify(3, bridge.Notify{Notice: bridge.UserCustom, Key: newKey(), Data: data}).Code)
	require.Nil(t, notify(4, bridge.Notify{Notice: bridge.TypingStarted}))
	require.Equal(t, bridge.CodeBusy, notify(5, bridge.Notify{Notice: bridge.TypingStarted, Text: strings.Repeat("x", 1000)}).Code)
}

func TestSay_DirectMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	agent, _ := w.join(w.agent)
	boss, _ := w.join(w.Token("s1", "boss", bridge.Supervisor, bridge.AllRights...))
	done, refused := boss.answer(&bridge.Say{Ref: 1, Key: newKey(), Text: "offer a discount", Receiver: "alice", MessageType: "text"}, 1)
	require.Nil(t, refused)
	require.Equal(t, "alice", done.Event.Receiver)
	_, refused = boss.answer(&bridge.Say{Ref: 2, Key: newKey(), Text: "for all"}, 2)
	require.Nil(t, refused)
	first := func(p *page) string {
		return await(p, func(m *bridge.EventAdded) bool { return m.Event.Type == bridge.Message }).Event.Text
	}
	require.Equal(t, "offer a discount", first(agent))
	require.Equal(t, "for all", first(customer))
	_, refused = customer.answer(&bridge.Say{Ref: 3, Key: newKey(), Text: "x", TreatAs: bridge.TreatSystem}, 3)
	require.Equal(t, bridge.CodeForbidden, refused.Code)
}
