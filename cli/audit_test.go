package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// TestT21AuditFileIsRotatedAndChecked rotates the file while the proxy runs.
func TestT21AuditFileIsRotatedAndChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, old := filepath.Join(dir, "audit"), filepath.Join(dir, "audit.1")
	d, public, _ := startServe(t, "--audit", path)
	b := openTab(t, public, "chat-1", "ada", bridge.Agent)
	first := b.send("name-canary.pdf", random(1000))
	holds(t, path, `"action":"announced"`, first.DocumentID)

	require.NoError(t, os.Rename(path, old))
	require.NoError(t, d.cmd.Process.Signal(syscall.SIGHUP))
	holds(t, path, `"action":"opened"`)
	second := b.send("name-canary.pdf", random(1000))
	holds(t, path, `"action":"announced"`, second.DocumentID)

	got := run(t, command(t, "serve", "--listen", "127.0.0.1:0", "--admin", "", "--scanner", "off", "--origin", pageOrigin,
		"--data", t.TempDir(), "--token-secret", secret, "--audit", path))
	require.Equal(t, 1, got.code)
	require.Contains(t, got.log, "in use by another process")

	d.signal()
	d.wait()
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.NotContains(t, read(t, old)+read(t, path)+d.log.String(), "canary")
	require.NotContains(t, read(t, old)+read(t, path), "eyJ")

	got = run(t, command(t, "audit", old, path))
	require.Zero(t, got.code, got.log)
	require.Contains(t, got.out, "4 lines, none changed or removed")

	got = run(t, command(t, "audit", path, old))
	require.Equal(t, 1, got.code)
	require.Contains(t, got.log, "audit.1: line 1: ")

	require.NoError(t, os.WriteFile(old, []byte(strings.Replace(read(t, old), "ada", "eve", 1)), 0o600))
	got = run(t, command(t, "audit", old, path))
	require.Equal(t, 1, got.code)
	require.Contains(t, got.log, "audit: line 1: it does not continue the file before it", "the next file has the hash of the last line")
}

// TestT21TornLineIsMarked continues the file of a process that was killed in the middle
// of a line.
func TestT21TornLineIsMarked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "audit")
	flags := []string{"--audit", path, "--audit-names", "--data", filepath.Join(dir, "data")}
	d, public, _ := startServe(t, flags...)
	b := openTab(t, public, "chat-1", "ada", bridge.Agent)
	b.send("report.pdf", random(1000))
	holds(t, path, `"name":"report.pdf"`)
	require.NoError(t, d.cmd.Process.Kill())
	d.wait()
	require.NoError(t, os.WriteFile(path, []byte(read(t, path)+`{"prev":"0123`), 0o600))

	d, public, _ = startServe(t, flags...)
	b.moveTo(public)
	b.send("second.pdf", random(1000))
	holds(t, path, `"name":"second.pdf"`)
	d.signal()
	d.wait()
	got := run(t, command(t, "audit", path))
	require.Zero(t, got.code, got.log)
	require.Contains(t, got.out, "marked at the next start: 1")
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// holds waits until a line of the file has all the parts.
func holds(t *testing.T, path string, parts ...string) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			missing := false
			for _, part := range parts {
				missing = missing || !strings.Contains(line, part)
			}
			if !missing {
				return true
			}
		}
		return false
	}, patience, 5*time.Millisecond)
}
