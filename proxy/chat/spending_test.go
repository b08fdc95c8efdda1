package chat_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
	"attache/proxy/engine"
)

// flood posts messages until one is refused, at most n.
func flood(ctx context.Context, s *chat.Server, session, user string, size, n int) (posted int, err error) {
	for posted = range n {
		if _, err = s.Post(ctx, session, user, text(strings.Repeat("x", size))); err != nil {
			return posted, err
		}
	}
	return n, nil
}

// One party's additions to a session are bounded, whatever they are; others may
// continue to write, and promised entries are still stored.
func TestH5TextIsBounded(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10
	texts := func(size int) func(t *testing.T, s *chat.Server) error {
		return func(t *testing.T, s *chat.Server) error {
			_, err := flood(t.Context(), s, "s1", "ann", size, bound/512)
			return err
		}
	}
	cases := map[string]func(t *testing.T, s *chat.Server) error{
		"large messages": texts(14 << 10),
		"small messages": texts(1),
		"abandoned uploads": func(t *testing.T, s *chat.Server) (err error) {
			for n := 0; err == nil && n < bound/(8<<10)+1; n++ {
				key := fmt.Sprint("lost-", n)
				if err = s.Reserve(t.Context(), "s1", "ann", key, "a.pdf", 1); err == nil {
					require.NoError(t, s.Release(t.Context(), "s1", "ann", key))
				}
			}
			return err
		},
		"joining and leaving": func(t *testing.T, s *chat.Server) (err error) {
			for n := 0; err == nil && n < bound/512; n++ {
				require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: ""}))
				_, err = s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
			}
			return err
		},
		"notices": func(t *testing.T, s *chat.Server) (err error) {
			for n := 0; err == nil && n < bound/512; n++ {
				_, err = s.Post(t.Context(), "s1", "ann", bridge.Event{Type: bridge.Notice, NoticeType: bridge.UserCustom, Text: "typing"})
			}
			return err
		},
	}
	none := bridge.Unlimited()
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			s := start(t, chat.Options{CustomerText: bound, CustomerLimits: &none})
			join(t, s, "s1", ann, carl, bob)
			require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "promised", "a.pdf", 1))
			known := text("said before")
			known.Key = "known"
			first := post(t, s, "s1", ann, known)

			requireCode(t, bridge.CodeChatFull, run(t, s))
			if name != "joining and leaving" {
				require.Equal(t, first.ID, post(t, s, "s1", ann, known).ID, "the same answer again")
				requireCode(t, bridge.CodeChatFull, s.Reserve(t.Context(), "s1", "ann", "new", "a.pdf", 1))
			}
			post(t, s, "s1", ann, notice("promised", "a.pdf", 1))
			post(t, s, "s1", carl, text("another customer"))
			post(t, s, "s1", bob, text("an agent"))
			if name != "joining and leaving" {
				require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: ""}))
				join(t, s, "s1", ann) // to read
			}
		})
	}
	t.Run("customers together", func(t *testing.T) {
		s := start(t, chat.Options{CustomerText: bound})
		dora := bridge.Party{UserID: "dora", UserType: bridge.Client}
		join(t, s, "s1", ann, carl, dora, bob)
		for _, user := range []string{"ann", "carl"} {
			_, err := flood(t.Context(), s, "s1", user, 14<<10, 100)
			requireCode(t, bridge.CodeChatFull, err)
		}
		_, err := flood(t.Context(), s, "s1", "dora", 14<<10, 1)
		requireCode(t, bridge.CodeChatFull, err)
		post(t, s, "s1", bob, text("an agent"))
	})
	t.Run("an agent", func(t *testing.T) {
		s := start(t, chat.Options{AgentText: bound})
		join(t, s, "s1", ann, bob, sue)
		_, err := flood(t.Context(), s, "s1", "bob", 14<<10, 100)
		requireCode(t, bridge.CodeChatFull, err)
		post(t, s, "s1", bob, notice("promised", "a.pdf", 1))
		post(t, s, "s1", sue, text("another one"))
		post(t, s, "s1", ann, text("a customer"))
	})
	t.Run("no bound", func(t *testing.T) {
		s := start(t, chat.Options{CustomerText: bridge.NoLimit})
		join(t, s, "s1", ann)
		_, err := flood(t.Context(), s, "s1", "ann", 14<<10, 10)
		require.NoError(t, err)
	})
}

// On a nearly full volume, four customers that write as much as they can stop no one
// else: an agent joins, writes and reads, and an accepted file is announced.
func TestH5CustomersLeaveSpaceForAgents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("a small file system cannot be mounted here: ", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	e, err := engine.Start(t.Context(), engine.Options{Dir: dir, Reserve: 16 << 20})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	s := serve(t, e, chat.Options{CustomerText: bridge.NoLimit, AdmitText: e.AdmitText})
	customers := []string{"ann", "carl", "dora", "eve"}
	for n, user := range customers {
		join(t, s, fmt.Sprint("s", n), bridge.Party{UserID: user, UserType: bridge.Client})
	}
	require.NoError(t, s.Reserve(t.Context(), "s0", "ann", "promised", "a.pdf", 1))
	other, err := os.Create(filepath.Join(dir, "other"))
	require.NoError(t, err)
	require.NoError(t, unix.Fallocate(int(other.Fd()), 0, 0, 54<<20)) // about 2 MB above the mark
	require.NoError(t, other.Close())

	var all sync.WaitGroup
	var together atomic.Int64
	for n, user := range customers {
		all.Go(func() {
			posted, err := flood(t.Context(), s, fmt.Sprint("s", n), user, 14<<10, 4096)
			together.Add(int64(posted))
			if bridge.CodeOf(err) != bridge.CodeStorageFull {
				t.Errorf("%s posted %d messages: %v", user, posted, err)
			}
		})
	}
	all.Wait()
	require.Positive(t, together.Load())
	require.NoError(t, e.WriteErr())
	require.NoError(t, e.Ready(t.Context()))
	_, err = s.Join(t.Context(), "new", proxy.Joining{Party: ann})
	requireCode(t, bridge.CodeStorageFull, err)
	for n := range customers {
		session := fmt.Sprint("s", n)
		join(t, s, session, bob)
		for range 20 {
			post(t, s, session, bob, text(strings.Repeat("x", 14<<10)))
		}
	}
	post(t, s, "s0", ann, notice("promised", "a.pdf", 1))
	require.NoError(t, s.Leave(t.Context(), "s0", "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: ""}))
}
