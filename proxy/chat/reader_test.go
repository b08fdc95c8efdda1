package chat_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func TestReader_SeesWhatAServerSees(t *testing.T) {
	e := store(t, t.TempDir())
	_, err := chat.OpenReader(t.Context(), e.JetStream())
	require.ErrorIs(t, err, chat.ErrNoSessions)

	s := serve(t, e, chat.Options{})
	r, err := chat.OpenReader(t.Context(), e.JetStream())
	require.NoError(t, err)
	over := func() (list []string) {
		require.NoError(t, r.Over(t.Context(), func(session string) error {
			list = append(list, session)
			return nil
		}))
		return list
	}
	require.Empty(t, over(), "an empty stream has an end too")

	for _, session := range []string{"s1", "s2", "s3"} {
		join(t, s, session, ann, bob)
		require.NoError(t, s.Reserve(t.Context(), session, "ann", "k", "a.txt", 1), "an entry that is not an event")
		for n := range 100 {
			post(t, s, session, bob, text(fmt.Sprint(n, `"over":true`)))
		}
	}
	require.Empty(t, over())
	for _, session := range []string{"s3", "s1"} {
		require.NoError(t, s.Leave(t.Context(), session, "bob", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.ForceClose}))
	}
	require.Equal(t, []string{"s3", "s1"}, over())

	for _, session := range []string{"s1", "s2", "unknown"} {
		for _, position := range []int64{0, 50, 1000} {
			var events []bridge.Event
			require.NoError(t, r.Transcript(t.Context(), session, position, func(e bridge.Event) error {
				events = append(events, e)
				return nil
			}))
			require.Equal(t, transcript(t, s, session, position), events, "%s after %d", session, position)
		}
	}
	requireCode(t, bridge.CodeSessionInvalid, r.Transcript(t.Context(), "a/b", 0, nil))
	enough := errors.New("enough")
	require.ErrorIs(t, r.Transcript(t.Context(), "s1", 0, func(bridge.Event) error { return enough }), enough)
	require.ErrorIs(t, r.Over(t.Context(), func(string) error { return enough }), enough)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Over(ctx, nil), context.Canceled)
}
