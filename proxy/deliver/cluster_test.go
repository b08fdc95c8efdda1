package deliver_test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
	"attache/proxy/engine"
)

// startCluster runs three servers on loopback until the test ends.
func startCluster(t *testing.T) (nodes []*server.Server, urls string) {
	t.Helper()
	var ports []int
	var routes []*url.URL
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
		l.Close()
	}
	var list []string
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("node", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port}, Routes: routes,
		})
		require.NoError(t, err)
		s.Start()
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
		nodes, list = append(nodes, s), append(list, s.ClientURL())
	}
	require.Eventually(t, func() bool {
		for _, s := range nodes {
			if s.JetStreamIsLeader() {
				return len(s.JetStreamClusterPeers()) == len(nodes)
			}
		}
		return false
	}, patience, 10*time.Millisecond)
	return nodes, strings.Join(list, ",")
}

// TestCluster shares uploads between two proxies while the node goes down that
// leads their stream.
func TestCluster(t *testing.T) {
	nodes, urls := startCluster(t)
	w := newWorldOn(t, engine.Options{URL: urls})
	require.Equal(t, 3, w.engine.Replicas())
	w.chat.once = true
	second, err := engine.Start(t.Context(), engine.Options{URL: urls})
	require.NoError(t, err)
	t.Cleanup(second.Close)
	other, err := deliver.OpenRecords(t.Context(), second, nil)
	require.NoError(t, err)
	t.Cleanup(other.Close)

	t.Run("what one writes the other reads and changes", func(t *testing.T) {
		r := w.offered()
		for range 20 {
			read, err := other.Get(t.Context(), r.Session, r.Key)
			require.NoError(t, err)
			require.Equal(t, r.Revision, read.Revision)
			_, err = w.records.Create(t.Context(), r)
			require.ErrorIs(t, err, proxy.ErrRecordExists)
			r, err = other.Update(t.Context(), read)
			require.NoError(t, err)
			_, err = w.records.Update(t.Context(), read)
			require.ErrorIs(t, err, proxy.ErrRecordChanged)
		}
	})
	t.Run("a node that goes down loses nothing", func(t *testing.T) {
		w.start(nil)
		w.start(func(o *deliver.Options) { o.Records = other })
		var keys []string
		for range 10 {
			keys = append(keys, w.accepted().Key)
		}
		w.announcedOnce(keys...)
		var down sync.WaitGroup
		for _, s := range nodes {
			if s.JetStreamIsStreamLeader("$G", "UPLOADS") {
				down.Go(s.Shutdown)
			}
		}
		for range 10 {
			keys = append(keys, w.insist().Key)
		}
		down.Wait()
		w.eventually(func() bool {
			for _, key := range keys {
				r, err := w.records.Get(t.Context(), session, key)
				if err != nil || r.State != bridge.Announced {
					return false
				}
			}
			return true
		})
		w.announcedOnce(keys...)
	})
}

// insist writes an accepted upload's record, however long it takes.
func (w *world) insist() (r proxy.Record) {
	w.t.Helper()
	r = w.draft(w.accept)
	w.eventually(func() bool {
		created, err := w.records.Create(w.t.Context(), r)
		if err == nil || err == proxy.ErrRecordExists {
			r = created
			return true
		}
		return false
	})
	return r
}
