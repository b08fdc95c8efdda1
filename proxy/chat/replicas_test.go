package chat_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
)

// proxies starts a Server at each node.
func proxies(t *testing.T, nodes enginetest.Cluster) (servers []*chat.Server) {
	t.Helper()
	for _, n := range nodes {
		e, err := engine.Start(t.Context(), engine.Options{URL: n.ClientURL()})
		require.NoError(t, err)
		t.Cleanup(e.Close)
		var s *chat.Server
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			s, err = chat.Open(t.Context(), e, chat.Options{RetryFor: time.Minute})
			require.NoError(c, err)
		}, time.Minute, 100*time.Millisecond)
		t.Cleanup(s.Close)
		servers = append(servers, s)
	}
	return servers
}

// talk posts n messages at each server and returns the last id.
func talk(t *testing.T, servers []*chat.Server, n int) int64 {
	t.Helper()
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() {
			for k := range n {
				if _, err := s.Post(t.Context(), "s1", "bob", text(fmt.Sprint(i, " ", k))); err != nil {
					t.Errorf("post at node %d: %v", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	return post(t, servers[0], "s1", bob, text("")).ID
}

// With three replicas, a proxy at each node, reads from any replica, and the leading node
// shut down, there is still one transcript, and no event is lost or doubled.
func TestReplicasKeepOneTranscript(t *testing.T) {
	t.Parallel()
	nodes := enginetest.Start(t)
	servers := proxies(t, nodes)
	for i, p := range []bridge.Party{ann, bob, sue} {
		join(t, servers[i], "s1", p)
	}
	last := talk(t, servers, 30)
	require.EqualValues(t, 3+3*30+1, last)
	file := post(t, servers[0], "s1", bob, notice("key", "a.pdf", 1))
	for _, s := range servers {
		requireConsecutive(t, 1, ids(receive(t, s, "s1", ann, 0).until(t, file.ID)))
		found, err := s.File(t.Context(), "s1", "ann", file.Data.Get(bridge.KeyFileID))
		require.NoError(t, err)
		require.Equal(t, file, found)
		require.Equal(t, file, post(t, s, "s1", bob, notice("key", "a.pdf", 1)))
	}

	leader := slices.Index(nodes, nodes.Leader("CHAT"))
	require.GreaterOrEqual(t, leader, 0)
	rest := slices.Delete(slices.Clone(servers), leader, leader+1)
	live := receive(t, rest[0], "s1", ann, file.ID)
	gone := make(chan struct{})
	go func() {
		nodes[leader].Shutdown()
		close(gone)
	}()
	last = talk(t, rest, 60)
	<-gone
	require.EqualValues(t, file.ID+2*60+1, last)
	want := live.until(t, last)
	requireConsecutive(t, file.ID+1, ids(want))
	require.Equal(t, want, receive(t, rest[1], "s1", ann, file.ID).until(t, last))
	said := map[string]bool{}
	for _, e := range want {
		require.False(t, said[e.Text], "%q came twice", e.Text)
		said[e.Text] = true
	}
}
