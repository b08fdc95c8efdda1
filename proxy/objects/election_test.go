//go:build chaos

package objects_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
	"attache/proxy/objects"
)

// A request between two leaders is never answered, so it is repeated, and none waits for
// the whole time that its step has.
func TestElectionRepeatsRequests(t *testing.T) {
	t.Parallel()
	c := startNodes(t)
	var e *engine.Engine
	require.Eventually(t, func() (started bool) {
		var err error
		e, err = engine.Start(t.Context(), engine.Options{URL: c.url})
		return err == nil
	}, time.Minute, time.Millisecond)
	t.Cleanup(e.Close)
	var day clock
	s, other := open(t, e, objects.Options{Now: day.now}), open(t, e, objects.Options{Now: day.now})
	content := random(100_000)
	put(t, other, content[:1], 1)
	var ids []string
	var writers []proxy.Writer
	for range 4 {
		id := s.NewID()
		w := begin(t, s, id)
		write(t, w, content, 50_000)
		ids, writers = append(ids, id), append(writers, w)
	}
	stream, err := e.JetStream().Stream(t.Context(), "OBJ_documents-2026-11-20")
	require.NoError(t, err)
	require.NoError(t, c.processes[stream.CachedInfo().Cluster.Leader].Kill())

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	var all sync.WaitGroup
	errs := make([]error, len(ids))
	all.Go(func() { _, errs[0] = s.Add(ctx, document(ids[0], content)) })
	all.Go(func() { _, errs[1] = other.Add(ctx, document(ids[1], content)) })
	all.Go(func() { _, errs[2] = other.Begin(ctx, proxy.Document{ID: ids[2]}, -1) })
	all.Go(func() { errs[3] = other.Discard(ctx, ids[3]) })
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, content, read(t, other, ids[0]))
	require.Equal(t, content, read(t, s, ids[1]))
	for _, w := range writers[2:] {
		require.Equal(t, bridge.CodeSuperseded, bridge.CodeOf(refused(t, w, content[:1])))
	}
}

// refused appends a piece and returns its error, immediate or later.
func refused(t testing.TB, w proxy.Writer, piece []byte) error {
	t.Helper()
	later := make(chan error, 1)
	if err := w.Append(t.Context(), piece, func(_ int64, err error) { later <- err }); err != nil {
		return err
	}
	return <-later
}

// nodeConfig makes this test binary a node of a cluster, with the configuration file it
// names, until it is killed: a server that shuts down hands its leadership over first, and
// one that dies does not.
const nodeConfig = "ATTACHE_TEST_NODE"

func init() {
	config := os.Getenv(nodeConfig)
	if config == "" {
		return
	}
	o, err := server.ProcessConfigFile(config)
	exitOn(err)
	s, err := server.NewServer(o)
	exitOn(err)
	s.Start()
	select {}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// nodes are the processes of a cluster, by name, and its URLs.
type nodes struct {
	processes map[string]*os.Process
	url       string
}

func startNodes(t *testing.T) nodes {
	t.Helper()
	addresses := loopback(t, 6)
	clients, routes := addresses[:3], addresses[3:]
	all := nodes{processes: map[string]*os.Process{}, url: "nats://" + strings.Join(clients, ",nats://")}
	for i := range 3 {
		name, dir := fmt.Sprint("node", i), t.TempDir()
		config := filepath.Join(dir, "conf")
		require.NoError(t, os.WriteFile(config, fmt.Appendf(nil,
			"server_name: %s\nlisten: %q\njetstream { store_dir: %q }\ncluster { name: test, listen: %q, routes: [nats://%s] }\n",
			name, clients[i], dir, routes[i], strings.Join(routes, ",nats://")), 0o600))
		c := exec.Command(os.Args[0])
		c.Env = append(slices.Clone(os.Environ()), nodeConfig+"="+config)
		require.NoError(t, c.Start())
		t.Cleanup(func() {
			c.Process.Kill()
			c.Wait()
		})
		all.processes[name] = c.Process
	}
	for _, address := range clients {
		require.Eventually(t, func() bool {
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
			}
			return err == nil
		}, time.Minute, 10*time.Millisecond)
	}
	return all
}

// loopback returns free addresses.
func loopback(t *testing.T, n int) (addresses []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", enginetest.Host()+":0")
		require.NoError(t, err)
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}
