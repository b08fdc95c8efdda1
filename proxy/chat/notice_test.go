package chat_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func noticeOf(kind, text string, data ...bridge.Item) bridge.Event {
	return bridge.Event{Type: bridge.Notice, NoticeType: kind, Text: text, Data: data}
}

// Each kept notice is in the transcript as it was sent, and every party that may see it gets
// it; its key makes a second post harmless.
func TestNoticesAreKeptAsSent(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, sue)
	live := receive(t, s, "s1", sue, 2)
	nested := bridge.List("l", bridge.Data{bridge.Binary("raw", []byte{0, 255}), bridge.Int("n", 1)})
	for i, e := range []bridge.Event{
		noticeOf(bridge.UserCustom, "anything", nested, bridge.Text("a", "b")),
		noticeOf(bridge.PushURL, "https://example.com/a?b"),
		noticeOf(bridge.UpdateUserData, "", bridge.Text("order", "4711")),
		noticeOf("SOMETHING_ELSE", "of a later release"),
	} {
		e.Key = newKey()
		stored := post(t, s, "s1", ann, e)
		require.EqualValues(t, 3+i, stored.ID)
		require.Equal(t, stored, post(t, s, "s1", ann, e), "posted again")
		got := live.until(t, stored.ID)
		last := got[len(got)-1]
		require.Equal(t, e.NoticeType, last.NoticeType)
		require.Equal(t, e.Text, last.Text)
		require.Equal(t, e.Data, last.Data)
		require.Equal(t, "ann", last.From.UserID)
	}
}

func TestNoticesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob, sue)
	for name, tc := range map[string]struct {
		from bridge.Party
		e    bridge.Event
		code bridge.Code
	}{
		"a URL that runs":           {bob, noticeOf(bridge.PushURL, "javascript:alert(1)"), bridge.CodeMessage},
		"a URL to a file":           {bob, noticeOf(bridge.PushURL, "file:///etc/passwd"), bridge.CodeMessage},
		"no nickname":               {bob, noticeOf(bridge.UpdateNick, ""), bridge.CodeMessage},
		"a nickname of 10,000":      {bob, noticeOf(bridge.UpdateNick, strings.Repeat("x", 10_000)), bridge.CodeMessage},
		"the server's alert":        {bob, noticeOf(bridge.IdleControlAlert, "hurry"), bridge.CodeForbidden},
		"the server's close":        {sue, noticeOf(bridge.IdleControlClose, "bye"), bridge.CodeForbidden},
		"a receipt from the future": {ann, noticeOf(bridge.ReadReceipt, "", bridge.Int(bridge.KeyPosition, 99)), bridge.CodeMessage},
		"a receipt of nothing":      {ann, noticeOf(bridge.ReadReceipt, ""), bridge.CodeMessage},
		"above the packet limit":    {bob, noticeOf(bridge.UserCustom, strings.Repeat("&", bridge.MaxText)), bridge.CodeMessageSize},
		"a message above it":        {bob, text(strings.Repeat("<", bridge.MaxText)), bridge.CodeMessageSize},
		"a notice with a treatment": {bob, bridge.Event{Type: bridge.Notice, NoticeType: bridge.UserCustom, TreatAs: bridge.TreatSystem}, bridge.CodeMessage},
		"attributes too deep":       {bob, bridge.Event{Type: bridge.Message, Text: "x", Attributes: tooDeep()}, bridge.CodeMessageSize},
		"a treatment that is none":  {bob, bridge.Event{Type: bridge.Message, Text: "x", TreatAs: "LOUD"}, bridge.CodeMessage},
	} {
		_, err := s.Post(t.Context(), "s1", tc.from.UserID, tc.e)
		require.Equal(t, tc.code, bridge.CodeOf(err), "%s: %v", name, err)
	}
	require.EqualValues(t, 4, post(t, s, "s1", bob, text("nothing was appended")).ID)
}

func tooDeep() bridge.Data {
	d := bridge.Data{bridge.Text("k", "v")}
	for range bridge.MaxDataDepth {
		d = bridge.Data{bridge.List("l", d)}
	}
	return d
}

func TestMaxPacket(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{MaxPacket: 2000})
	join(t, s, "s1", bob)
	post(t, s, "s1", bob, text(strings.Repeat("x", 900)))
	_, err := s.Post(t.Context(), "s1", "bob", text(strings.Repeat("x", 1000)))
	requireCode(t, bridge.CodeMessageSize, err)
	long := bridge.Announcement{Name: "a.txt", Size: 1, DocumentID: "d", Key: newKey(), Description: strings.Repeat("x", 1500)}
	post(t, s, "s1", bob, long.Notice(bridge.All)) // it was accepted
}

// A message keeps its type, its treatment and its attributes.
func TestMessageMembers(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", bob)
	e := bridge.Event{
		Type: bridge.Message, Text: "x", MessageType: "text", TreatAs: bridge.TreatSystem,
		Attributes: bridge.Data{bridge.List("GCTI_SYSTEM", bridge.Data{bridge.Text("a", "b")})},
	}
	stored := post(t, s, "s1", bob, e)
	require.Equal(t, e.MessageType, stored.MessageType)
	require.Equal(t, e.TreatAs, stored.TreatAs)
	require.Equal(t, e.Attributes, stored.Attributes)
}

// A party that chose its nickname in the session keeps it, although its page connects again
// with a token that has the old one; whoever has left and comes back has the token's.
func TestRenameByNoticeOutlastsTheToken(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	s, other := serve(t, e, chat.Options{}), serve(t, e, chat.Options{})
	join(t, s, "s1", ann, bob)
	rename := noticeOf(bridge.UpdateNick, "Ann L.")
	rename.Key, rename.Visibility = newKey(), bridge.All
	stored := post(t, s, "s1", ann, rename)
	require.Equal(t, "Ann L.", stored.From.Nickname)
	require.Equal(t, stored, post(t, s, "s1", ann, rename))
	require.Equal(t, "Ann L.", post(t, other, "s1", ann, text("it is me")).From.Nickname)

	for _, nickname := range []string{ann.Nickname, "Another"} {
		again := ann
		again.Nickname = nickname
		joined, err := other.Join(t.Context(), "s1", proxy.Joining{Party: again})
		require.NoError(t, err)
		require.Equal(t, "Ann L.", joined.Party.Nickname)
		require.EqualValues(t, 4, joined.Position, "no event")
	}
	wrong := ann
	wrong.UserType = bridge.Agent
	_, err := s.Join(t.Context(), "s1", proxy.Joining{Party: wrong})
	requireCode(t, bridge.CodeForbidden, err)

	require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonLeft}))
	joined, err := s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	require.Equal(t, ann.Nickname, joined.Party.Nickname)
}

// A hidden party's new nickname is as hidden as the party.
func TestRenameOfAHiddenParty(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	hidden := sue
	hidden.Visibility = bridge.Vip
	join(t, s, "s1", ann, hidden)
	stored := post(t, s, "s1", hidden, noticeOf(bridge.UpdateNick, "Nobody"))
	require.Equal(t, bridge.Vip, stored.Visibility)
	last := post(t, s, "s1", ann, text("alone?"))
	for _, e := range receive(t, s, "s1", ann, 0).until(t, last.ID) {
		require.Equal(t, "ann", e.From.UserID)
	}
}

// Trap 13: a direct message is for its sender and its receiver; everybody else, and a
// receiver that the sender may not know of, is out of it.
func TestDirectMessages(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	hidden := bridge.Party{UserID: "vic", UserType: bridge.Supervisor, Visibility: bridge.Vip}
	flex := bridge.Party{UserID: "flo", UserType: bridge.Client, UserInfo: bridge.UserInfo{Protocol: bridge.Flex}}
	old := bridge.Party{UserID: "old", UserType: bridge.Agent, ClientVersion: 101}
	system := bridge.Party{UserID: "sys", UserType: bridge.System}
	join(t, s, "s1", ann, bob, sue, hidden, flex, old, system)
	say := func(from bridge.Party, to string, v bridge.Visibility) (bridge.Event, error) {
		e := text("psst")
		e.Receiver, e.Visibility = to, v
		return s.Post(t.Context(), "s1", from.UserID, e)
	}
	direct, err := say(bob, "sue", "")
	require.NoError(t, err)
	require.Equal(t, "sue", direct.Receiver)
	last := post(t, s, "s1", bob, text("for all"))
	for _, p := range []bridge.Party{ann, bob, sue, hidden} {
		sees := false
		for _, e := range receive(t, s, "s1", p, 0).until(t, last.ID) {
			sees = sees || e.ID == direct.ID
		}
		require.Equal(t, p.UserID == "bob" || p.UserID == "sue", sees, p.UserID)
	}

	for name, tc := range map[string]struct {
		from bridge.Party
		to   string
		v    bridge.Visibility
		code bridge.Code
	}{
		"to nobody":                     {bob, "zoe", "", bridge.CodeParty},
		"to oneself":                    {bob, "bob", "", bridge.CodeParty},
		"to a hidden party":             {ann, "vic", "", bridge.CodeParty},
		"by an agent to a hidden party": {bob, "vic", "", bridge.CodeParty},
		"to a system party that a version does not know": {old, "sys", "", bridge.CodeParty},
		"by a system party to such a version":            {system, "old", "", bridge.CodeParty},
		"to a flex party":                                {bob, "flo", "", bridge.CodeForbidden},
		"by a flex party":                                {flex, "bob", "", bridge.CodeForbidden},
		"to a customer that may not see":                 {bob, "ann", bridge.Internal, bridge.CodeForbidden},
	} {
		_, err := say(tc.from, tc.to, tc.v)
		require.Equal(t, tc.code, bridge.CodeOf(err), "%s: %v", name, err)
	}
	_, err = say(hidden, "bob", bridge.Internal)
	require.NoError(t, err, "a hidden party may speak to whom it sees")

	typing := noticeOf(bridge.TypingStarted, "")
	typing.Receiver = "zoe"
	_, err = s.Post(t.Context(), "s1", "bob", typing)
	requireCode(t, bridge.CodeParty, err)
	file := notice(newKey(), "a.txt", 1)
	file.Receiver = "ann"
	_, err = s.Post(t.Context(), "s1", "bob", file)
	requireCode(t, bridge.CodeForbidden, err)
}

func newKey() string { return rand.Text() }
