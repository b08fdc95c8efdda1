// Package enginetest runs NATS clusters for tests: three servers in the test's
// own process, on loopback.
//
//	c := enginetest.Start(t)
//	e, err := engine.Start(t.Context(), engine.Options{URL: c.URL()})
//	c.Leader("UPLOADS").Shutdown()
package enginetest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// Cluster is the nodes of a cluster.
type Cluster []*server.Server

// Start runs three nodes until the test ends. It returns once they have a leader that
// knows them all.
func Start(t testing.TB) (c Cluster) {
	t.Helper()
	ports, routes := addresses(t)
	for i, port := range ports {
		n, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("node", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{Name: "test", Host: Host(), Port: port}, Routes: routes,
		})
		require.NoError(t, err)
		n.Start()
		t.Cleanup(func() {
			n.Shutdown()
			n.WaitForShutdown()
		})
		c = append(c, n)
	}
	require.Eventually(t, func() bool {
		leader := c.Leader("")
		return leader != nil && len(leader.JetStreamClusterPeers()) == len(c)
	}, time.Minute, 10*time.Millisecond)
	return c
}

// Host is a loopback address of this process alone, so that a port found free on it
// stays free.
func Host() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&0x7f, pid>>8&0xff, pid&0xff)
}

// addresses are the nodes' route ports and URLs.
func addresses(t testing.TB) (ports []int, routes []*url.URL) {
	t.Helper()
	for range 3 {
		l, err := net.Listen("tcp", Host()+":0")
		require.NoError(t, err)
		defer l.Close() // all at the end, or a port could be drawn twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
	}
	return ports, routes
}

// URL is what a client connects to.
func (c Cluster) URL() string {
	var urls []string
	for _, n := range c {
		urls = append(urls, n.ClientURL())
	}
	return strings.Join(urls, ",")
}

// Leader is the node that leads a stream, or the cluster if stream is empty; nil while
// there is none.
func (c Cluster) Leader(stream string) *server.Server {
	i := slices.IndexFunc(c, func(n *server.Server) bool {
		return stream == "" && n.JetStreamIsLeader() || stream != "" && n.JetStreamIsStreamLeader("$G", stream)
	})
	if i < 0 {
		return nil
	}
	return c[i]
}
