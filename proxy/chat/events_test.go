package chat_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func TestEventsShowOnlyWhatAPartyMaySee(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob, sue, elder) // 1 to 4
	say := func(p bridge.Party, v bridge.Visibility) {
		post(t, s, "s1", p, bridge.Event{Type: bridge.Message, Visibility: v})
	}
	live := map[string]*receiver{}
	for _, p := range []bridge.Party{ann, bob, sue, elder} {
		live[p.UserID] = receive(t, s, "s1", p, 0)
	}
	say(ann, bridge.All)                                                                // 5
	say(bob, bridge.Internal)                                                           // 6
	say(sue, bridge.Vip)                                                                // 7
	post(t, s, "s1", bob, notice("k1", "a.pdf", 1))                                     // 8
	require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "k2", "b.pdf", 1))           // 9, never shown
	hidden := notice("k3", "c.pdf", 1)                                                  //
	hidden.Visibility = bridge.Internal                                                 //
	post(t, s, "s1", bob, hidden)                                                       // 10
	post(t, s, "s1", bob, bridge.Event{Type: bridge.Notice, NoticeType: "USER_CUSTOM"}) // 11

	want := map[string][]int64{
		"ann":   {1, 2, 3, 4, 5, 8, 11},
		"bob":   {1, 2, 3, 4, 5, 6, 8, 10, 11},
		"sue":   {1, 2, 3, 4, 5, 6, 7, 8, 10, 11},
		"elder": {1, 2, 3, 4, 5, 6, 11}, // ClientVersion 103 knows no files
	}
	for _, p := range []bridge.Party{ann, bob, sue, elder} {
		t.Run(p.UserID, func(t *testing.T) {
			require.Equal(t, want[p.UserID], ids(live[p.UserID].until(t, 11)), "live")
			require.Equal(t, want[p.UserID], ids(receive(t, s, "s1", p, 0).until(t, 11)), "from the log")
			require.Equal(t, live[p.UserID].got(), receive(t, s, "s1", p, 0).until(t, 11), "both are the same")
		})
	}
}

func TestEventsFromAPosition(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)
	const last = 200 // more than a room has in memory
	for i := 3; i <= last; i++ {
		post(t, s, "s1", bob, text(strconv.Itoa(i)))
	}
	for _, position := range []int64{-1, 0, 1, 2, 100, last - 64, last - 63, last - 1} {
		t.Run(strconv.FormatInt(position, 10), func(t *testing.T) {
			r := receive(t, s, "s1", ann, position)
			got := ids(r.until(t, last))
			require.Len(t, got, int(last-max(position, 0)))
			requireConsecutive(t, max(position, 0)+1, got)
			r.stop(t)
		})
	}
	t.Run("beyond the end", func(t *testing.T) {
		r := receive(t, s, "s1", ann, last+1)
		post(t, s, "s1", bob, text("not seen"))
		post(t, s, "s1", bob, text("seen"))
		require.Equal(t, []int64{last + 2}, ids(r.until(t, last+2)))
	})
}

func requireConsecutive(t testing.TB, first int64, got []int64) {
	t.Helper()
	for i, id := range got {
		require.Equal(t, first+int64(i), id, "each event once and in order: %v", got)
	}
}

// A page reconnects again and again while others write: it misses no event and gets none
// twice.
func TestEventsReconnect(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)
	const last = 300
	posted := make(chan error, 1)
	go func() {
		for i := 3; i <= last; i++ {
			if _, err := s.Post(t.Context(), "s1", "bob", text("x")); err != nil {
				posted <- err
				return
			}
		}
		posted <- nil
	}()
	var got []int64
	enough := errors.New("enough for this connection")
	for len(got) < last {
		n, position := 0, int64(len(got))
		err := s.Events(t.Context(), "s1", "ann", position, func(e bridge.Event) error {
			got = append(got, e.ID)
			if n++; n == 7 || len(got) == last {
				return enough
			}
			return nil
		})
		require.ErrorIs(t, err, enough)
	}
	require.NoError(t, <-posted)
	requireConsecutive(t, 1, got)
}

func TestEventsSlowReceiver(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)
	const last = 400 // several times more than a room has in memory

	release := make(chan struct{})
	entered := make(chan struct{}, last)
	var slow []int64
	done := make(chan error, 1)
	enough := errors.New("that was all")
	go func() {
		done <- s.Events(t.Context(), "s1", "ann", 2, func(e bridge.Event) error {
			entered <- struct{}{}
			<-release
			if slow = append(slow, e.ID); e.ID == last {
				return enough
			}
			return nil
		})
	}()
	fast := receive(t, s, "s1", bob, 2)
	for i := 3; i <= last; i++ {
		post(t, s, "s1", bob, text("x"))
		if i == 3 {
			<-entered // the slow one is stuck in its first event
		}
	}
	requireConsecutive(t, 3, ids(fast.until(t, last)))

	close(release)
	require.ErrorIs(t, <-done, enough)
	require.Len(t, slow, last-2)
	requireConsecutive(t, 3, slow)
}

func TestEventsEnd(t *testing.T) {
	t.Parallel()
	t.Run("the caller ends", func(t *testing.T) {
		s := start(t, chat.Options{})
		join(t, s, "s1", ann)
		r := receive(t, s, "s1", ann, 0)
		r.until(t, 1)
		r.stop(t)
	})
	t.Run("a party that is not in", func(t *testing.T) {
		s := start(t, chat.Options{})
		join(t, s, "s1", ann)
		for _, session := range []string{"s1", "nowhere"} {
			err := s.Events(t.Context(), session, "bob", 0, func(bridge.Event) error { return errors.New("delivered") })
			requireCode(t, bridge.CodeNotJoined, err)
		}
	})
	t.Run("the party leaves", func(t *testing.T) {
		s := start(t, chat.Options{})
		join(t, s, "s1", ann, bob)
		reached, release := make(chan struct{}), make(chan struct{})
		var got []int64
		done := make(chan error, 1)
		go func() {
			done <- s.Events(t.Context(), "s1", "ann", 0, func(e bridge.Event) error {
				if got = append(got, e.ID); e.ID == 2 {
					close(reached)
					<-release
				}
				return nil
			})
		}()
		<-reached
		require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: ""}))
		post(t, s, "s1", bob, text("after the disconnect"))
		close(release)
		requireCode(t, bridge.CodeNotJoined, <-done)
		require.Equal(t, []int64{1, 2, 3}, got, "a party's own leaving is its last event")
	})
	t.Run("the session ends", func(t *testing.T) {
		s := start(t, chat.Options{})
		join(t, s, "s1", ann, bob)
		r := receive(t, s, "s1", ann, 0)
		r.until(t, 2)
		require.NoError(t, s.Leave(t.Context(), "s1", "bob", proxy.Departure{Reason: bridge.ReasonForcedClose, After: bridge.ForceClose}))
		requireCode(t, bridge.CodeSessionEnded, <-r.done)
		require.Equal(t, []int64{1, 2, 3}, ids(r.got()))
		require.Equal(t, r.got(), receiveAll(t, s, "s1", ann), "the transcript stays")
	})
	t.Run("a party that came back reads on beyond its leaving", func(t *testing.T) {
		s := start(t, chat.Options{})
		join(t, s, "s1", ann)
		require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonDisconnected, After: ""}))
		join(t, s, "s1", ann)
		require.Equal(t, []int64{1, 2, 3}, ids(receive(t, s, "s1", ann, 0).until(t, 3)))
	})
	t.Run("a deadline", func(t *testing.T) {
		s := start(t, chat.Options{})
		join(t, s, "s1", ann)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := s.Events(ctx, "s1", "ann", 1, func(bridge.Event) error { return nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
