package chat_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func TestPost(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)

	stored := post(t, s, "s1", ann, bridge.Event{
		Type: bridge.Message, Text: "a\x00b", ID: 99, At: 1,
		From: bridge.Party{UserID: "bob", Nickname: "Agent", UserType: bridge.Agent},
	})
	require.EqualValues(t, 3, stored.ID)
	require.Greater(t, stored.At, int64(1))
	require.Equal(t, "ann", stored.From.UserID, "the sender is the party as it joined")
	require.Equal(t, bridge.Client, stored.From.UserType)
	require.Equal(t, bridge.All, stored.Visibility, "the default visibility is all")
	require.Equal(t, "a\uFFFDb", stored.Text)

	custom := post(t, s, "s1", bob, bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.UserCustom, Text: "typing", Visibility: bridge.Internal,
		Data: bridge.Data{bridge.Text("k\uFFFE", "v\x01"), bridge.Int("n", 7)},
	})
	require.Equal(t, bridge.Data{bridge.Text("k\uFFFD", "v\uFFFD"), bridge.Int("n", 7)}, custom.Data)

	odd := post(t, s, "s1", bob, bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.UserCustom,
		Data: bridge.Data{bridge.Text("k", "first"), bridge.Text("k", "second"), {Key: "n", Text: "1}", Type: bridge.TypeInt}},
	})
	require.Equal(t, bridge.Data{bridge.Text("k", "first"), bridge.Text("n", "1}")}, odd.Data, "as every reader will see it")

	command := bridge.Event{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: "something-else"}
	require.EqualValues(t, 6, post(t, s, "s1", bob, command).ID)
}

func TestPostRefused(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob, sue)
	join(t, s, "over", ann, bob)
	require.NoError(t, s.Leave(t.Context(), "over", "bob", proxy.Departure{Reason: bridge.ReasonForcedClose, After: bridge.ForceClose}))
	post(t, s, "s1", bob, bridge.Event{Type: bridge.Message, Key: "taken"})

	without := func(key string) bridge.Event {
		e := notice("k", "a.pdf", 1)
		for i, item := range e.Data {
			if item.Key == key {
				e.Data = append(e.Data[:i:i], e.Data[i+1:]...)
			}
		}
		return e
	}
	with := func(item bridge.Item) bridge.Event {
		e := notice("", "a.pdf", 1)
		e.Data = append(e.Data, item)
		return e
	}
	vip := bridge.Event{Type: bridge.Message, Visibility: bridge.Vip}
	internal := bridge.Event{Type: bridge.Message, Visibility: bridge.Internal}
	cases := map[string]struct {
		session, user string
		event         bridge.Event
		code          bridge.Code
		says          string
	}{
		"an unknown session":           {"nowhere", "ann", text("x"), bridge.CodeNotJoined, ""},
		"a party that is not in":       {"s1", "carl", text("x"), bridge.CodeNotJoined, ""},
		"an ended session":             {"over", "ann", text("x"), bridge.CodeSessionEnded, ""},
		"a bad session id":             {"a b", "ann", text("x"), bridge.CodeSessionInvalid, ""},
		"a customer to agents only":    {"s1", "ann", internal, bridge.CodeForbidden, "INT"},
		"an agent to supervisors only": {"s1", "bob", vip, bridge.CodeForbidden, "VIP"},
		"an unknown visibility":        {"s1", "sue", bridge.Event{Type: bridge.Message, Visibility: "ME"}, bridge.CodeForbidden, "ME"},
		"a text too long":              {"s1", "ann", text(strings.Repeat("x", bridge.MaxText+1)), bridge.CodeTextLength, "14 kB"},
		"a text that grows too long":   {"s1", "ann", text(strings.Repeat("\x01", bridge.MaxText/3+1)), bridge.CodeTextLength, ""},
		"a party by post":              {"s1", "bob", bridge.Event{Type: bridge.NewParty}, bridge.CodeMessage, ""},
		"no type":                      {"s1", "bob", bridge.Event{}, bridge.CodeMessage, ""},
		"a message with a notice type": {"s1", "bob", bridge.Event{Type: bridge.Message, NoticeType: bridge.SystemCommand}, bridge.CodeMessage, ""},
		"a notice without one":         {"s1", "bob", bridge.Event{Type: bridge.Notice}, bridge.CodeMessage, ""},
		"a notice type too long":       {"s1", "bob", bridge.Event{Type: bridge.Notice, NoticeType: strings.Repeat("X", 65)}, bridge.CodeMessage, ""},
		"a key too long":               {"s1", "bob", bridge.Event{Type: bridge.Message, Key: strings.Repeat("k", 65)}, bridge.CodeMessage, ""},
		"another party's key":          {"s1", "sue", bridge.Event{Type: bridge.Message, Key: "taken"}, bridge.CodeUploadConflict, ""},
		"a customer's other command":   {"s1", "ann", bridge.Event{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: "file-exported"}, bridge.CodeForbidden, ""},
		"a notice without file-name":   {"s1", "bob", without(bridge.KeyFileName), bridge.CodeNotice, bridge.KeyFileName},
		"a notice without file-size":   {"s1", "bob", without(bridge.KeyFileSize), bridge.CodeNotice, bridge.KeyFileSize},
		"a notice without file-source": {"s1", "bob", without(bridge.KeyFileSource), bridge.CodeNotice, bridge.KeyFileSource},
		"a notice without document id": {"s1", "bob", without(bridge.KeyDocumentID), bridge.CodeNotice, bridge.KeyDocumentID},
		"the same of a customer":       {"s1", "ann", without(bridge.KeyDocumentID), bridge.CodeNotice, bridge.KeyDocumentID},
		"a data key too long":          {"s1", "bob", with(bridge.Text(strings.Repeat("k", 129), "")), bridge.CodeCustomKey, ""},
		"a data value too long":        {"s1", "bob", with(bridge.Text("k", strings.Repeat("v", 2049))), bridge.CodeMessageSize, ""},
		"as many data keys as allowed, and file-id": {"s1", "bob", func() bridge.Event {
			e := notice("", "a.pdf", 1)
			for i := len(e.Data); i < bridge.MaxItems; i++ {
				e.Data = append(e.Data, bridge.Int("n"+strconv.Itoa(i), 1))
			}
			return e
		}(), bridge.CodeMessageSize, "49"},
		"two keys in one notice":          {"s1", "bob", func() bridge.Event { e := notice("k", "a.pdf", 1); e.Key = "other"; return e }(), bridge.CodeMessage, bridge.KeyFileKey},
		"an attache-key that is too long": {"s1", "bob", with(bridge.Text(bridge.KeyFileKey, strings.Repeat("k", 65))), bridge.CodeMessage, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := s.Post(t.Context(), c.session, c.user, c.event)
			requireCode(t, c.code, err)
			require.Contains(t, err.Error(), c.says)
		})
	}
	require.EqualValues(t, 5, post(t, s, "s1", bob, text("next")).ID, "a refused entry leaves no trace")
}

func TestPostFile(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", bob)
	sent := notice("key-1", "a.pdf", 12)
	sent.Data = append(sent.Data, bridge.Text(bridge.KeyFileID, "chosen-by-the-sender"), bridge.Text("colour", "red"))

	first := post(t, s, "s1", bob, sent)
	file, err := bridge.DecodeFile(first)
	require.NoError(t, err)
	require.NotEmpty(t, file.ID)
	require.NotEqual(t, "chosen-by-the-sender", file.ID, "file-id is Chat Server's")
	require.Equal(t, "chosen-by-the-sender", sent.Data.Get(bridge.KeyFileID), "the caller's data stays the caller's")
	require.Equal(t, bridge.Data{bridge.Text("colour", "red")}, file.Custom, "other keys are kept")

	second, err := bridge.DecodeFile(post(t, s, "s1", bob, notice("key-2", "a.pdf", 12)))
	require.NoError(t, err)
	require.NotEqual(t, file.ID, second.ID)
}

func TestPostSameKey(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)
	first := post(t, s, "s1", bob, notice("key-1", "a.pdf", 12))
	other := post(t, s, "s1", bob, bridge.Event{Type: bridge.Message, Text: "hi", Key: "key-2"})

	require.Equal(t, first, post(t, s, "s1", bob, notice("key-1", "changed.pdf", 13)))
	require.Equal(t, other, post(t, s, "s1", bob, bridge.Event{Type: bridge.Message, Text: "ho", Key: "key-2"}))

	inside := notice("key-1", "a.pdf", 12)
	inside.Key = ""
	require.Equal(t, first, post(t, s, "s1", bob, inside), "the notice's own key counts too")

	require.NoError(t, s.Leave(t.Context(), "s1", "bob", proxy.Departure{Reason: bridge.ReasonForcedClose, After: bridge.ForceClose}))
	require.Equal(t, first, post(t, s, "s1", bob, notice("key-1", "a.pdf", 12)), "even after the session's end")
	_, err := s.Post(t.Context(), "s1", "bob", notice("key-3", "a.pdf", 12))
	requireCode(t, bridge.CodeSessionEnded, err)
	require.Len(t, receiveAll(t, s, "s1", ann), 5)
}

func TestFindKey(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	s, other := serve(t, e, chat.Options{}), serve(t, e, chat.Options{})
	join(t, s, "s1", bob)
	_, found, err := other.FindKey(t.Context(), "s1", "key-1")
	require.NoError(t, err)
	require.False(t, found)

	want := post(t, s, "s1", bob, notice("key-1", "a.pdf", 12))
	for _, s := range []*chat.Server{s, other} {
		got, found, err := s.FindKey(t.Context(), "s1", "key-1")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want, got)
	}
	_, found, err = s.FindKey(t.Context(), "s2", "key-1")
	require.NoError(t, err)
	require.False(t, found, "another session's key")
}
