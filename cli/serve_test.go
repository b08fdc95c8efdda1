package cli_test

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestServeWaitsForScannerAndBackend starts a proxy before its scanner and its
// backend, and ends it while it waits.
func TestServeWaitsForScannerAndBackend(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]string{
		"clamd":   {"--scanner=strict", "--clamd=127.0.0.1:1"},
		"backend": {"--scanner=off", "--backend=http://127.0.0.1:1", "--backend-secret", secret},
	} {
		t.Run(name, func(t *testing.T) {
			c := command(t, append([]string{
				"serve", "--listen", "127.0.0.1:0", "--admin", "", "--origin", "https://desk.example", "--data", t.TempDir(), "--token-secret", secret,
			}, more...)...)
			log, err := c.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			line, err := bufio.NewReader(log).ReadString('\n')
			require.NoError(t, err)
			require.Contains(t, line, "waiting for")
			require.NoError(t, c.Process.Signal(syscall.SIGTERM))
			c.Wait()
			require.Equal(t, 1, c.ProcessState.ExitCode())
		})
	}
}

func startServe(t *testing.T, more ...string) (d *daemon, public, admin string) {
	t.Helper()
	d = start(t, command(t, append([]string{
		"serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--scanner", "off", "--origin", "https://desk.example",
		"--data", t.TempDir(), "--token-secret", secret,
	}, more...)...))
	printed := address.FindAllString(d.line, -1)
	require.Len(t, printed, 2, d.line)
	return d, printed[0], printed[1]
}

func TestServeAnswersAndDrains(t *testing.T) {
	t.Parallel()
	d, public, admin := startServe(t, "--log-format", "json", "--log-level", "debug")
	for path, says := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n", "/version": "v1.2.3-test\n"} {
		status, _, body := get(t, admin+path)
		require.Equal(t, http.StatusOK, status, path)
		require.Equal(t, says, body)
		status, _, _ = get(t, public+path)
		require.Equal(t, http.StatusNotFound, status, "%s is for the operator", path)
	}
	status, _, scrape := get(t, admin+"/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, scrape, `attache_build_info{goversion="`+runtime.Version()+`",version="v1.2.3-test"} 1`)
	require.Contains(t, scrape, "\nattache_delivery_queue_length{state=\"waiting\"} 0\n")
	require.Contains(t, scrape, "\nattache_store_free_bytes ")
	status, _, _ = get(t, public+"/metrics")
	require.Equal(t, http.StatusNotFound, status, "/metrics is for the operator")
	status, _, _ = get(t, public+"/web/attache.js")
	require.Equal(t, http.StatusOK, status)
	status, _, _ = get(t, public+"/demo/session.json")
	require.Equal(t, http.StatusNotFound, status, "only the demo gives tokens away")
	status, _, _ = get(t, public+"/web/demo/page.js")
	require.Equal(t, http.StatusNotFound, status, "only the demo serves its page")
	d.signal()
	require.Empty(t, d.wait())
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	for line := range strings.Lines(d.log.String()) {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

// TestSecondSignalExits delays the drain with a request that does not end.
func TestSecondSignalExits(t *testing.T) {
	t.Parallel()
	d, public, admin := startServe(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(public, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET /web/attache.js HTTP/1.1\r\nHost: attache\r\n"))
	require.NoError(t, err)
	// An answer to this one means that the request before has been started.
	status, _, _ := get(t, public+"/web/attache.js")
	require.Equal(t, http.StatusOK, status)
	d.signal()
	require.Eventually(t, func() bool {
		status, _, _ := get(t, admin+"/readyz")
		return status == http.StatusServiceUnavailable
	}, patience, time.Millisecond)
	d.insist()
	require.Equal(t, 1, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.Contains(t, d.log.String(), "without draining")
}

// TestDataDirectoryIsLocked starts other commands on the data of a running one.
func TestDataDirectoryIsLocked(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	startServe(t, "--data", data)
	for name, args := range map[string][]string{
		"demo":  {"demo", "--listen", "127.0.0.1:0", "--data", data},
		"serve": {"serve", "--listen", "127.0.0.1:0", "--admin=", "--scanner=off", "--origin=https://desk.example", "--token-secret", secret, "--data", data},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, command(t, args...))
			require.Equal(t, 1, got.code)
			require.Contains(t, got.log, "the data directory "+data+" is in use by another process: stop it, or give this one")
		})
	}
}
