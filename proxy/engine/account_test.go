package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
)

// One node of three elects nobody, and so nobody tells of the account. For as
// long as an election takes, uploads may begin all the same and the proxy is
// ready; then it is not.
func TestAClusterWithoutALeader(t *testing.T) {
	c := enginetest.Start(t)
	e := start(t, engine.Options{URL: c[0].ClientURL()})
	require.NoError(t, e.Room())
	c[1].Shutdown()
	c[2].Shutdown()
	require.NoError(t, e.Room())
	require.NoError(t, e.Ready(t.Context()))
	require.Eventually(t, func() bool { return e.Ready(t.Context()) != nil }, time.Minute, time.Second)
	require.NoError(t, e.Room())
}

// An account that is nearly full takes no new upload, until there is room again.
func TestAnAccountNearlyFull(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
		listen: "127.0.0.1:-1"
		jetstream { store_dir: %q }
		accounts { A { jetstream { max_file: 1MB }, users: [{user: a, password: b}] } }
		no_auth_user: a`, dir), 0o600))
	o, err := server.ProcessConfigFile(config)
	require.NoError(t, err)
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })

	e := start(t, engine.Options{URL: s.ClientURL(), Replicas: 1})
	_, err = e.JetStream().CreateStream(t.Context(), stream(e))
	require.NoError(t, err)
	require.NoError(t, e.Room())
	_, err = e.JetStream().Publish(t.Context(), "notes.a", make([]byte, 975<<10))
	require.NoError(t, err)
	free, low, err := e.Space(t.Context())
	require.NoError(t, err)
	require.Less(t, free, low)
	require.NoError(t, e.Spare(), "what has begun goes on")
	full := func() bool { return bridge.CodeOf(e.Room()) == bridge.CodeStorageFull }
	// What was asked before may be answered behind it.
	require.Eventually(t, full, time.Minute, 10*time.Millisecond)
	_, err = e.JetStream().Publish(t.Context(), "notes.a", make([]byte, 30<<10))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return bridge.CodeOf(e.Spare()) == bridge.CodeStorageFull }, time.Minute, 10*time.Millisecond)
	require.NoError(t, e.Words(), "the chat goes on")
	_, err = e.JetStream().Publish(t.Context(), "notes.a", make([]byte, 10<<10))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return bridge.CodeOf(e.Words()) == bridge.CodeStorageFull }, time.Minute, 10*time.Millisecond)
	_, err = e.JetStream().Publish(t.Context(), "notes.a", make([]byte, 1<<10))
	require.NoError(t, err, "an agent's")
	require.Eventually(t, func() bool {
		e.Age(time.Hour) // much may have been deleted since
		return e.Room() == nil
	}, time.Minute, 10*time.Millisecond)
	require.Eventually(t, full, time.Minute, 10*time.Millisecond)
	require.NoError(t, e.JetStream().DeleteStream(t.Context(), "notes"))
	require.Eventually(t, func() bool { return e.Room() == nil }, time.Minute, 10*time.Millisecond)
}
