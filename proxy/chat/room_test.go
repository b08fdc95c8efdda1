package chat

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestRoomRemembersLittle(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text    string
		entries int
	}{
		"short entries": {"x", recentEntries},
		"long entries":  {strings.Repeat("x", bridge.MaxText), recentBytes / bridge.MaxText},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRoom("s", &log{})
			r.stale = false
			offer := func(position int64) {
				e := &logEntry{Position: position, Kind: isEvent, Event: &event{bridge.Event{
					ID: position, Type: bridge.Message, Visibility: bridge.All, Text: c.text,
					From: bridge.Party{UserID: "ann", UserType: bridge.Client},
				}}}
				payload, _, err := e.encode()
				require.NoError(t, err)
				r.offer(uint64(position), payload)
			}
			offer(1)
			require.Empty(t, r.recent, "there are no watchers")
			w, _ := r.watch()
			for position := int64(2); position <= 200; position++ {
				offer(position)
			}
			require.Len(t, w, 1, "one notification is enough")
			require.LessOrEqual(t, len(r.recent), c.entries)
			require.Greater(t, len(r.recent), c.entries/2)
			require.LessOrEqual(t, r.bytes, recentBytes)
			require.EqualValues(t, 200, r.recent[len(r.recent)-1].Position)

			r.unwatch(w)
			require.Empty(t, r.watchers)
			offer(201)
			require.Empty(t, r.recent)
			offer(203)
			require.True(t, r.stale, "an entry in between is missing")
			require.EqualValues(t, 201, r.fold.last)
		})
	}
}
