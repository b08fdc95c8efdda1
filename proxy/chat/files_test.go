package chat_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func TestFile(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob, elder)
	open := post(t, s, "s1", bob, notice("k1", "a.pdf", 1))
	inside := notice("k2", "b.pdf", 1)
	inside.Visibility = bridge.Internal
	coaching := post(t, s, "s1", bob, inside)
	joined := map[string]bool{"ann": true, "bob": true, "elder": true, "sue": false}

	cases := map[string]struct {
		user string
		file bridge.Event
		code bridge.Code
	}{
		"a customer, a file for all":           {"ann", open, ""},
		"a customer, a file for agents":        {"ann", coaching, bridge.CodeFileUnknown},
		"an agent, a file for agents":          {"bob", coaching, ""},
		"a version that knows no files":        {"elder", open, bridge.CodeFileUnknown},
		"a supervisor that is not in the chat": {"sue", open, bridge.CodeNotJoined},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			id := c.file.Data.Get(bridge.KeyFileID)
			got, err := s.File(t.Context(), "s1", c.user, id)
			tried := s.Attempt(t.Context(), "s1", c.user, "try", id)
			if c.code != "" {
				requireCode(t, c.code, err)
				requireCode(t, c.code, tried)
				return
			}
			require.NoError(t, err)
			require.NoError(t, tried)
			require.Equal(t, c.file, got)
			require.True(t, joined[c.user])
		})
	}

	require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: ""}))
	_, err := s.File(t.Context(), "s1", "ann", open.Data.Get(bridge.KeyFileID))
	requireCode(t, bridge.CodeNotJoined, err)

	require.NoError(t, s.Leave(t.Context(), "s1", "elder", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.ForceClose}))
	_, err = s.File(t.Context(), "s1", "bob", open.Data.Get(bridge.KeyFileID))
	requireCode(t, bridge.CodeSessionEnded, err)
	requireCode(t, bridge.CodeSessionEnded, s.Attempt(t.Context(), "s1", "bob", "new", open.Data.Get(bridge.KeyFileID)))
}

// A file id, a document id or a key of one session is unknown in another.
func TestT14ForeignFile(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	const sessions = 4
	files := map[string]string{}
	for i := range sessions {
		session := fmt.Sprintf("s%d", i)
		join(t, s, session, ann, bob)
		files[session] = post(t, s, session, bob, notice("same-key", "a.pdf", 1)).Data.Get(bridge.KeyFileID)
	}
	guesses := []string{"", "1", "3", "0001AaBCDEFG0001", "same-key", bridge.KeyFileID}
	for session := range files {
		for other, id := range files {
			if other != session {
				guesses = append(guesses, id)
			}
			for _, p := range []bridge.Party{ann, bob} {
				for _, guess := range guesses {
					if guess == files[session] {
						continue
					}
					_, err := s.File(t.Context(), session, p.UserID, guess)
					requireCode(t, bridge.CodeFileUnknown, err)
					require.Equal(t, bridge.NewError(bridge.CodeFileUnknown, "").Error(), err.Error(), "one answer for all")
				}
			}
		}
	}
	for session, id := range files {
		_, err := s.File(t.Context(), session, "ann", id)
		require.NoError(t, err)
	}
}

// A customer that names another's document in a notice of its own is recognised by the
// server's own data about it, whatever the notice says.
func TestT15NoticeOfACustomerIsMarkedAsSuch(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", bob, bridge.Party{UserID: "eve", Nickname: "Agent", UserType: bridge.Client})
	forged := notice("k1", "stolen.pdf", 1)
	forged.From = bridge.Party{UserID: "bob", Nickname: "Bob", UserType: bridge.Agent}
	stored, err := s.Post(t.Context(), "s1", "eve", forged)
	require.NoError(t, err)

	seen, err := s.File(t.Context(), "s1", "bob", stored.Data.Get(bridge.KeyFileID))
	require.NoError(t, err)
	require.Equal(t, "eve", seen.From.UserID)
	require.False(t, seen.From.UserType.Trusted())
}
