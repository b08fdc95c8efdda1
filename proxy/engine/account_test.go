package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/engine"
	"attache/proxy/engine/enginetest"
)

// Two of three nodes are down, so there is no meta leader, and no report on the
// account. Uploads may begin all the same. The proxy is ready for as long as an
// election may take, and not after.
func TestClusterWithoutLeaderAdmitsUploads(t *testing.T) {
	t.Parallel()
	c := enginetest.Start(t)
	leader := slices.Index(c, c.Leader("")) // alone, it would take itself for the leader a while longer
	last, other := c[(leader+1)%3], c[(leader+2)%3]
	e := start(t, engine.Options{URL: last.ClientURL()})
	require.NoError(t, e.AdmitUpload())
	c[leader].Shutdown()
	other.Shutdown()
	require.NoError(t, e.AdmitUpload())
	require.NoError(t, e.Ready(t.Context()))
	// The last node may have been elected between the two, and then believes for ten
	// seconds that it leads.
	require.Eventually(t, func() bool {
		e.AgeReport(engine.ElectionTime)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // Ready would need 10 s
		defer cancel()
		return e.Ready(ctx) != nil
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, e.AdmitUpload())
}

func TestNearlyFullAccountAdmitsByItsMarks(t *testing.T) {
	t.Parallel()
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
	require.NoError(t, e.AdmitUpload())
	_, err = e.JetStream().Publish(t.Context(), "notes.a", make([]byte, 975<<10))
	require.NoError(t, err)
	free, low, err := e.FreeSpace(t.Context())
	require.NoError(t, err)
	require.Less(t, free, low)
	require.NoError(t, e.AdmitWrite(), "uploads that have begun continue")
	full := func() bool { return bridge.CodeOf(e.AdmitUpload()) == bridge.CodeStorageFull }
	// A report requested before may arrive after.
	require.Eventually(t, full, time.Minute, 10*time.Millisecond)
	_, err = e.JetStream().Publish(t.Context(), "notes.a", make([]byte, 30<<10))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return bridge.CodeOf(e.AdmitWrite()) == bridge.CodeStorageFull }, time.Minute, 10*time.Millisecond)
	require.NoError(t, e.AdmitText(), "the chat continues")
	_, err = e.JetStream().Publish(t.Context(), "notes.a", make([]byte, 10<<10))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return bridge.CodeOf(e.AdmitText()) == bridge.CodeStorageFull }, time.Minute, 10*time.Millisecond)
	_, err = e.JetStream().Publish(t.Context(), "notes.a", make([]byte, 1<<10))
	require.NoError(t, err, "an agent may still write")
	require.Eventually(t, func() bool {
		e.AgeReport(time.Hour) // messages may have been deleted since
		return e.AdmitUpload() == nil
	}, time.Minute, 10*time.Millisecond)
	require.Eventually(t, full, time.Minute, 10*time.Millisecond)
	require.NoError(t, e.JetStream().DeleteStream(t.Context(), "notes"))
	require.Eventually(t, func() bool { return e.AdmitUpload() == nil }, time.Minute, 10*time.Millisecond)
}
