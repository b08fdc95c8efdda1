package cli_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/wasm/page"
)

// TestProxyResumesAfterBackendIsKilled sends files through a proxy with a backend, which
// is killed after each.
func TestProxyResumesAfterBackendIsKilled(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	backend := func(listen string) *daemon {
		return start(t, command(t, "backend", "--listen", listen, "--admin", "127.0.0.1:0", "--data", data, "--backend-secret", secret))
	}
	b := backend("127.0.0.1:0")
	at := address.FindAllString(b.line, -1)
	require.Len(t, at, 2)
	status, _, body := get(t, at[1]+"/readyz")
	require.Equal(t, 200, status, body)
	_, public, _ := startServe(t, "--backend", at[0], "--backend-secret", secret)
	agent := openTab(t, public, "s1", "ann", bridge.Agent)
	customer := openTab(t, public, "s1", "carol", bridge.Client)
	for _, size := range []int{0, 100_000, 2 << 20} {
		content := random(size)
		f := agent.announced(customer.send("größe.bin", content).Key)
		require.Equal(t, "größe.bin", f.Name.Text)
		got, err := agent.Download(t.Context(), f.ID, newKey())
		require.NoError(t, err)
		require.Equal(t, page.Fetched{Size: int64(size), SHA256: sha256.Sum256(content)}, got)
		require.NoError(t, b.cmd.Process.Kill())
		b.wait()
		b = backend(strings.TrimPrefix(at[0], "http://"))
	}
	// The customers' limits are the backend's: three files in a session.
	fourth := &page.Upload{Key: newKey(), Name: "fourth.bin", Content: []byte("x")}
	require.NoError(t, customer.Send(t.Context(), fourth))
	require.Equal(t, bridge.CodeFileCount, fourth.Code)

	got := run(t, command(t, "conform", "--backend", at[0], "--backend-secret", secret, "--only", "join"))
	require.Zero(t, got.code, "%s%s", got.out, got.log)
	require.Contains(t, got.out, "ok    join returns")
	b.signal()
	b.wait()
	require.Zero(t, b.cmd.ProcessState.ExitCode(), b.log.String())
}
