package chat_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// A flex party's own requests have its key, and its proxy takes it out all the same; once
// another client attaches by it, it does not. What is decided is in the log: another server
// knows it, also after a customer may add nothing more to the session.
func TestJoin_APartyThatAnyoneAttachedToIsAnotherPrograms(t *testing.T) {
	e := store(t, t.TempDir())
	s := serve(t, e, chat.Options{CustomerText: 2000})
	web := bridge.Party{
		UserID: "web", Nickname: "Web", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent, UserInfo: bridge.UserInfo{Protocol: bridge.Flex},
	}
	joined, err := s.Join(t.Context(), "s1", proxy.Joining{Party: web, ByProxy: true})
	require.NoError(t, err)
	for {
		if _, err := s.Post(t.Context(), "s1", "web", bridge.Event{Type: bridge.Message, Text: "hello", Visibility: bridge.All}); err != nil {
			break
		}
	}
	byKey := func(p bridge.Party) proxy.Joined {
		t.Helper()
		joined, err := s.Join(t.Context(), "s1", proxy.Joining{Party: p, SecureKey: joined.SecureKey})
		require.NoError(t, err)
		return joined
	}
	attached := func() bool {
		t.Helper()
		joined, err := serve(t, e, chat.Options{}).Join(t.Context(), "s1", proxy.Joining{Party: web, ByProxy: true})
		require.NoError(t, err)
		return joined.Attached
	}
	byKey(web)
	require.False(t, attached(), "a request of the party itself")
	basic := web
	basic.Protocol = ""
	position := byKey(basic).Position
	require.True(t, attached())
	require.Equal(t, position, byKey(basic).Position, "it is written once")

	gone := proxy.Departure{Reason: bridge.ReasonDisconnected, ByProxy: true}
	require.NoError(t, s.Leave(t.Context(), "s1", "web", gone))
	require.True(t, byKey(web).Attached, "it is still in")
	gone.Asker = "web"
	require.NoError(t, s.Leave(t.Context(), "s1", "web", gone))
	require.True(t, byKey(web).Attached, "to remove oneself is to leave")
	require.NoError(t, s.Leave(t.Context(), "s1", "web", proxy.Departure{}))
	require.False(t, attached(), "a proxy registers it now")
	require.NoError(t, s.Leave(t.Context(), "s1", "web", gone))
	_, err = s.Join(t.Context(), "s1", proxy.Joining{Party: web, SecureKey: joined.SecureKey})
	require.Equal(t, bridge.CodeLoggedOut, bridge.CodeOf(err))
}
