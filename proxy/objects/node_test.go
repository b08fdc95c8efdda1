package objects_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"attache/proxy/engine/enginetest"
)

// nodeConfig makes this test binary a node of a cluster, with the configuration
// file it names, until it is killed: a server that shuts down hands over first,
// and one that dies does not.
const nodeConfig = "ATTACHE_TEST_NODE"

func node(config string) {
	o, err := server.ProcessConfigFile(config)
	exitOn(err)
	s, err := server.NewServer(o)
	exitOn(err)
	s.Start()
	select {}
}

// nodes are the processes of a cluster, by name, and what a client dials.
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

// loopback returns addresses that nobody listens on.
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
