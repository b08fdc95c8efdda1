package chat_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func transcript(t *testing.T, s *chat.Server, session string, position int64) (events []bridge.Event) {
	t.Helper()
	require.NoError(t, s.Transcript(t.Context(), session, position, func(e bridge.Event) error {
		events = append(events, e)
		return nil
	}))
	return events
}

func TestTranscript_HasEveryEventInOrder(t *testing.T) {
	e := store(t, t.TempDir())
	s := serve(t, e, chat.Options{})
	join(t, s, "s1", ann, bob)
	require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "k", "a.txt", 1), "an entry that is not an event")
	var want []string
	for n := range 200 {
		m := text(fmt.Sprint(n))
		if n%2 == 1 {
			m.Visibility = bridge.Internal // the customer does not see it
		}
		want = append(want, post(t, s, "s1", bob, m).Text)
	}
	join(t, s, "s2", ann)
	require.NoError(t, s.Leave(t.Context(), "s1", "bob", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.ForceClose}))

	for name, server := range map[string]*chat.Server{"the same server": s, "another": serve(t, e, chat.Options{})} {
		t.Run(name, func(t *testing.T) {
			all := transcript(t, server, "s1", 0)
			var texts []string
			last := int64(0)
			for _, e := range all {
				require.Greater(t, e.ID, last)
				last = e.ID
				if e.Type == bridge.Message {
					texts = append(texts, e.Text)
				}
			}
			require.Equal(t, want, texts)
			require.Equal(t, bridge.NewParty, all[0].Type)
			require.Equal(t, bridge.PartyLeft, all[len(all)-1].Type)
			for _, at := range []int{0, 1, 100, len(all) - 1} {
				require.Equal(t, all[at+1:], append([]bridge.Event{}, transcript(t, server, "s1", all[at].ID)...))
			}
		})
	}
	require.Empty(t, transcript(t, s, "s1", bridge.MaxInteger))
	require.Empty(t, transcript(t, s, "unknown", 0))
	requireCode(t, bridge.CodeSessionInvalid, s.Transcript(t.Context(), "a/b", 0, nil))
	enough := errors.New("enough")
	require.ErrorIs(t, s.Transcript(t.Context(), "s1", 0, func(bridge.Event) error { return enough }), enough)
}

// ending is one call of ended.
type ending struct{ session, cursor string }

func TestEnded_ReportsEachSessionFromItsCursor(t *testing.T) {
	e := store(t, t.TempDir())
	s := serve(t, e, chat.Options{})
	end := func(session string) {
		join(t, s, session, bob)
		post(t, s, session, bob, text(`"over":true`))
		require.NoError(t, s.Leave(t.Context(), session, "bob", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.ForceClose}))
	}
	join(t, s, "going-on", bob)
	end("s1")
	end("s2")
	var running sync.WaitGroup
	defer running.Wait()
	follow := func(cursor string, sessions ...string) (endings []ending) {
		t.Helper()
		enough := errors.New("enough")
		other := serve(t, e, chat.Options{})
		err := other.Ended(t.Context(), cursor, func(session, cursor string) error {
			endings = append(endings, ending{session, cursor})
			if len(endings) == 1 && session == "s2" {
				running.Go(func() { end("s3") })
			}
			if len(endings) == len(sessions) {
				return enough
			}
			return nil
		})
		require.ErrorIs(t, err, enough)
		for n, session := range sessions {
			require.Equal(t, session, endings[n].session)
		}
		return endings
	}
	all := follow("", "s1", "s2")
	all = follow(all[0].cursor, "s2", "s3")
	end("s4")
	follow(all[1].cursor, "s4")

	requireCode(t, bridge.CodeMessage, s.Ended(t.Context(), "x", nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Ended(ctx, "", nil), context.Canceled)
}
