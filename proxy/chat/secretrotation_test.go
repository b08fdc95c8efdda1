package chat_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func TestSecureKeyRotatesWithEachRequestOfAFlexParty(t *testing.T) {
	t.Parallel()
	c := newClock()
	e := store(t, t.TempDir())
	o := chat.Options{Now: c.Now, RotateKeys: true}
	a, b := serve(t, e, o), serve(t, e, o)
	web := ann
	web.Protocol = bridge.Flex
	first, err := a.Join(t.Context(), "s1", proxy.Joining{Party: web})
	require.NoError(t, err)
	attach := func(s *chat.Server, p bridge.Party, key string) (string, error) {
		t.Helper()
		j, err := s.Join(t.Context(), "s1", proxy.Joining{Party: p, SecureKey: key})
		return j.SecureKey, err
	}
	second, err := attach(b, web, first.SecureKey)
	require.NoError(t, err)
	require.NotEqual(t, first.SecureKey, second)
	c.pass(4 * time.Minute)
	third, err := attach(a, web, second)
	require.NoError(t, err)
	_, err = attach(b, web, first.SecureKey)
	require.NoError(t, err, "within five minutes of the second")
	c.pass(time.Minute)
	_, err = attach(a, web, first.SecureKey)
	requireCode(t, bridge.CodeSecureKey, err)
	_, err = attach(b, web, second)
	require.NoError(t, err, "within five minutes of the third")
	latest, err := attach(b, web, third)
	require.NoError(t, err)

	again := serve(t, e, o) // a restart knows the keys, too
	_, err = attach(again, web, first.SecureKey)
	requireCode(t, bridge.CodeSecureKey, err)
	_, err = attach(again, web, latest)
	require.NoError(t, err)

	desk, err := a.Join(t.Context(), "s1", proxy.Joining{Party: bob})
	require.NoError(t, err)
	same, err := attach(b, bob, desk.SecureKey)
	require.NoError(t, err)
	require.Equal(t, desk.SecureKey, same, "a connected party keeps its key")

	require.NoError(t, a.Leave(t.Context(), "s1", "ann", proxy.Departure{}))
	_, err = attach(b, web, latest)
	requireCode(t, bridge.CodeLoggedOut, err)
}

func TestSecureKeyIsStable(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	web := ann
	web.Protocol = bridge.Flex
	first, err := s.Join(t.Context(), "s1", proxy.Joining{Party: web})
	require.NoError(t, err)
	again, err := s.Join(t.Context(), "s1", proxy.Joining{Party: web, SecureKey: first.SecureKey})
	require.NoError(t, err)
	require.Equal(t, first.SecureKey, again.SecureKey)
	require.EqualValues(t, 1, again.Position, "and nothing is written")
}
