package chat_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// Two proxies of a cluster: all parties write at the same time on both, and every party
// sees every event once and in the same order.
func TestTwoServersOneTranscript(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	a, b := serve(t, e, chat.Options{}), serve(t, e, chat.Options{})
	join(t, a, "s1", ann, bob)
	join(t, b, "s1", carl, sue)
	receivers := []*receiver{
		receive(t, a, "s1", ann, 0), receive(t, b, "s1", ann, 0),
		receive(t, a, "s1", sue, 0), receive(t, b, "s1", sue, 0),
	}
	const each, writers = 25, 4
	var all sync.WaitGroup
	var mu sync.Mutex
	var given []int64
	for w := range writers {
		s, p := []*chat.Server{a, b}[w%2], []bridge.Party{ann, bob, carl, sue}[w]
		all.Go(func() {
			for i := range each {
				stored, err := s.Post(t.Context(), "s1", p.UserID, text(fmt.Sprint(w, i)))
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				mu.Lock()
				given = append(given, stored.ID)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(given)
	require.Len(t, given, each*writers)
	requireConsecutive(t, 5, given)
	want := receivers[0].until(t, 4+each*writers)
	requireConsecutive(t, 1, ids(want))
	for _, r := range receivers {
		require.Equal(t, want, r.until(t, 4+each*writers))
	}
}

func TestTwoServersOneNotice(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	servers := []*chat.Server{serve(t, e, chat.Options{}), serve(t, e, chat.Options{})}
	join(t, servers[0], "s1", bob, ann)
	var all sync.WaitGroup
	events := make([]bridge.Event, 16)
	for i := range events {
		all.Go(func() {
			stored, err := servers[i%2].Post(t.Context(), "s1", "bob", notice("key", "a.pdf", 1))
			if err != nil {
				t.Errorf("post %d: %v", i, err)
			}
			events[i] = stored
		})
	}
	all.Wait()
	for _, stored := range events {
		require.Equal(t, events[0], stored)
	}
	require.NoError(t, servers[1].Leave(t.Context(), "s1", "bob", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.ForceClose}))
	require.Len(t, receiveAll(t, servers[0], "s1", ann), 4)
}

func TestTwoServersOneNewParty(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	servers := []*chat.Server{serve(t, e, chat.Options{}), serve(t, e, chat.Options{})}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if _, err := servers[i%2].Join(t.Context(), "s1", proxy.Joining{Party: ann}); err != nil {
				t.Errorf("join %d: %v", i, err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 2, post(t, servers[0], "s1", ann, text("alone")).ID)
}

func TestRestartLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	limits := bridge.VendorLimits()
	limits.MaxFiles = 3
	o := chat.Options{CustomerLimits: &limits}
	var before []bridge.Event
	var file string
	var used bridge.Limits
	t.Run("before", func(t *testing.T) {
		s := serve(t, store(t, dir), o)
		join(t, s, "s1", ann, bob, bridge.Party{UserID: "old", UserType: bridge.Agent, ClientVersion: 103, Visibility: bridge.Internal})
		for i := range 100 {
			post(t, s, "s1", bob, text(fmt.Sprint(i)))
		}
		file = post(t, s, "s1", bob, notice("f", "a.pdf", 5)).Data.Get(bridge.KeyFileID)
		post(t, s, "s1", ann, notice("g", "b.pdf", 6))
		require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "h", "c.pdf", 7))
		require.NoError(t, s.Attempt(t.Context(), "s1", "ann", "try", file))
		post(t, s, "s1", bob, text("last"))
		before = receive(t, s, "s1", bob, 0).until(t, 108)
		used = limitsOf(t, s, "s1", "ann")
	})
	s := serve(t, store(t, dir), o)
	require.Equal(t, before, receive(t, s, "s1", bob, 0).until(t, 108))
	require.Equal(t, before[100:], receive(t, s, "s1", bob, before[99].ID).until(t, 108))
	require.Equal(t, used, limitsOf(t, s, "s1", "ann"))
	require.EqualValues(t, 2, used.UsedFiles)
	require.EqualValues(t, 1, used.UsedDownloads)
	require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "h", "c.pdf", 7), "still held")
	requireCode(t, bridge.CodeUploadConflict, s.Reserve(t.Context(), "s1", "ann", "h", "c.pdf", 8))
	require.NoError(t, s.Attempt(t.Context(), "s1", "ann", "try", file), "still paid")
	require.EqualValues(t, before[len(before)-1].ID, post(t, s, "s1", bob, bridge.Event{Type: bridge.Message, Key: "n"}).ID-1, "repetitions left no trace")
	_, err := s.File(t.Context(), "s1", "old", file)
	requireCode(t, bridge.CodeFileUnknown, err) // its ClientVersion is remembered
	again, err := s.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: "old", UserType: bridge.Agent}})
	require.NoError(t, err)
	require.Equal(t, bridge.Internal, again.Party.Visibility)
	require.EqualValues(t, 103, again.Party.ClientVersion, "a party stays as it joined")
}
