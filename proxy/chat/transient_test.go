package chat_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func typing(text string) bridge.Event {
	return bridge.Event{Type: bridge.Notice, NoticeType: bridge.TypingStarted, Text: text}
}

// texts returns the texts of the transient notices among events.
func texts(events []bridge.Event) (out []string) {
	for _, e := range events {
		if e.Transient() {
			out = append(out, e.Text)
		}
	}
	return out
}

// reading returns a receiver that has begun to read: it has an event that was posted after.
func reading(t testing.TB, s *chat.Server, session string, p, poster bridge.Party) *receiver {
	t.Helper()
	r := receive(t, s, session, p, 0)
	r.until(t, post(t, s, session, poster, text("ready")).ID)
	return r
}

func TestTransientReachesThoseWhoAreThereOnce(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	a, b := serve(t, e, chat.Options{}), serve(t, e, chat.Options{})
	join(t, a, "s1", ann, bob, sue, elder)
	live := map[string]*receiver{
		"ann at a": reading(t, a, "s1", ann, bob), "ann at b": reading(t, b, "s1", ann, bob),
		"bob": reading(t, b, "s1", bob, bob), "sue": reading(t, a, "s1", sue, bob), "elder": reading(t, b, "s1", elder, bob),
	}
	send := func(s *chat.Server, p bridge.Party, e bridge.Event) {
		t.Helper()
		shown := post(t, s, "s1", p, e)
		require.Zero(t, shown.ID)
		require.Equal(t, p.UserID, shown.From.UserID)
		require.NotZero(t, shown.At)
	}
	send(a, bob, typing("for all"))
	internal := typing("for agents")
	internal.Visibility = bridge.Internal
	send(a, bob, internal)
	direct := typing("for sue")
	direct.Receiver = "sue"
	send(a, bob, direct)
	send(b, ann, typing("from ann"))
	send(b, ann, bridge.Event{Type: bridge.Notice, NoticeType: bridge.ReadReceipt, Data: bridge.Data{bridge.Int(bridge.KeyPosition, 1)}})

	// The engine keeps the order of one sender only, so each end has a mark of its own.
	want := map[string][]string{
		"ann at a": {"for all"}, "ann at b": {"for all"}, // and nothing of its own
		"bob":   {"from ann", ""},
		"sue":   {"for all", "for agents", "for sue", "from ann", ""},
		"elder": {"for all", "for agents", "from ann", ""},
	}
	for name, r := range live {
		require.Eventually(t, func() bool { return len(texts(r.got())) >= len(want[name]) }, time.Minute, time.Millisecond, name)
	}
	last := post(t, a, "s1", bob, text("last"))
	for name, r := range live {
		got := r.until(t, last.ID)
		require.ElementsMatch(t, want[name], texts(got), name)
		require.Equal(t, last.ID, got[len(got)-1].ID)
	}
	require.Empty(t, texts(receive(t, a, "s1", sue, 0).until(t, last.ID)), "one who comes later")
	require.EqualValues(t, 10, last.ID, "nothing of it is in the log: 4 joined, and 6 messages")
}

func TestTransientIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)
	internal := typing("")
	internal.Visibility = bridge.Internal
	for name, tc := range map[string]struct {
		session, user string
		event         bridge.Event
		code          bridge.Code
	}{
		"of a stranger":                    {"s1", "eve", typing(""), bridge.CodeNotJoined},
		"in no session":                    {"s2", "ann", typing(""), bridge.CodeNotJoined},
		"of a customer, for agents only":   {"s1", "ann", internal, bridge.CodeForbidden},
		"with a text that is far too long": {"s1", "ann", typing(string(make([]byte, bridge.MaxText+1))), bridge.CodeTextLength},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Post(t.Context(), tc.session, tc.user, tc.event)
			requireCode(t, tc.code, err)
		})
	}
	require.NoError(t, s.Leave(t.Context(), "s1", "bob", proxy.Departure{Reason: bridge.ReasonForcedClose, After: bridge.ForceClose}))
	_, err := s.Post(t.Context(), "s1", "ann", typing(""))
	requireCode(t, bridge.CodeSessionEnded, err)
}

// A receiver that takes nothing misses all but the last 32, and no other waits for it.
func TestTransientSlowReceiver(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob, sue)
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var got []string
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		done <- s.Events(ctx, "s1", "ann", 3, func(e bridge.Event) error {
			once.Do(func() { close(reached); <-release })
			if e.Transient() {
				got = append(got, e.Text)
			} else if e.Text == "last" {
				cancel()
			}
			return nil
		})
	}()
	fast := reading(t, s, "s1", sue, bob)
	post(t, s, "s1", bob, text("ready"))
	<-reached
	const all = 100
	for i := range all {
		post(t, s, "s1", bob, typing(strconv.Itoa(i)))
		require.Eventually(t, func() bool { return len(texts(fast.got())) == i+1 }, time.Minute, time.Millisecond)
	}
	post(t, s, "s1", bob, text("last"))
	close(release)
	require.ErrorIs(t, <-done, context.Canceled)
	var want []string
	for i := all - 32; i < all; i++ {
		want = append(want, strconv.Itoa(i))
	}
	require.Equal(t, want, got)
}

// What waited longer than 30 s is of no use any more.
func TestTransientExpires(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	s := start(t, chat.Options{Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	join(t, s, "s1", ann, bob, sue)
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var got []string
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		done <- s.Events(ctx, "s1", "ann", 3, func(e bridge.Event) error {
			once.Do(func() { close(reached); <-release })
			if e.Transient() {
				got = append(got, e.Text)
			} else if e.Text == "last" {
				cancel()
			}
			return nil
		})
	}()
	other := reading(t, s, "s1", sue, bob)
	post(t, s, "s1", bob, text("ready"))
	<-reached
	post(t, s, "s1", bob, typing("old"))
	require.Eventually(t, func() bool { return len(texts(other.got())) == 1 }, time.Minute, time.Millisecond)
	mu.Lock()
	now = now.Add(30 * time.Second)
	mu.Unlock()
	post(t, s, "s1", bob, typing("new"))
	require.Eventually(t, func() bool { return len(texts(other.got())) == 2 }, time.Minute, time.Millisecond)
	post(t, s, "s1", bob, text("last"))
	close(release)
	require.ErrorIs(t, <-done, context.Canceled)
	require.Equal(t, []string{"new"}, got)
}
