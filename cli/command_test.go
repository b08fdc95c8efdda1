package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/proxytest"
)

// patience is how long a test waits for an event that must come.
const patience = time.Minute

// commandVar names the command to this test binary where a test runs it again,
// alone in a network of its own.
const commandVar = "ATTACHE_TEST_COMMAND"

// binary is the command, built as a release is.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "attache-test-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "attache")
	out, err := exec.Command("go", "build", "-ldflags", "-X attache/bridge.Version=v1.2.3-test", "-o", path, "attache").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	proxytest.SideBySide()
	code := m.Run()
	if os.Getenv(commandVar) != "" {
		os.Exit(code) // the caller built the command, and removes it
	}
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), path, args...)
	// Only what a test sets itself may configure the command.
	c.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	return c
}

// outcome is the result of a command that ends by itself.
type outcome struct {
	code     int
	out, log string
}

func run(t *testing.T, c *exec.Cmd) outcome {
	t.Helper()
	var out, log bytes.Buffer
	c.Stdout, c.Stderr = &out, &log
	require.NoError(t, c.Start())
	late := time.AfterFunc(patience, func() { c.Process.Kill() })
	defer late.Stop()
	err := c.Wait()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		require.NoError(t, err)
	}
	return outcome{c.ProcessState.ExitCode(), out.String(), log.String()}
}

const secret = "0123456789abcdef0123456789abcdef"

// daemon is a running command.
type daemon struct {
	t    *testing.T
	cmd  *exec.Cmd
	line string // the one it printed
	out  *bufio.Reader
	log  bytes.Buffer // read it once the command has ended
}

var address = regexp.MustCompile(`https?://[^\s/]+`)

// start runs a command until it has printed its line; the test's end kills it.
func start(t *testing.T, c *exec.Cmd) *daemon {
	t.Helper()
	d := &daemon{t: t, cmd: c}
	pipe, err := c.StdoutPipe()
	require.NoError(t, err)
	c.Stderr = &d.log
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		d.wait()
	})
	d.out = bufio.NewReader(pipe)
	d.line, err = d.out.ReadString('\n')
	if err != nil {
		c.Wait()
		require.NoError(t, err, d.log.String())
	}
	return d
}

// wait waits for the command's end and returns what else it printed.
func (d *daemon) wait() string {
	rest, _ := io.ReadAll(d.out)
	d.cmd.Wait()
	return string(rest)
}

func (d *daemon) signal() { require.NoError(d.t, d.cmd.Process.Signal(syscall.SIGTERM)) }

// insist signals until the command is gone, as an impatient user does.
func (d *daemon) insist() {
	gone := make(chan struct{})
	defer close(gone)
	go func() {
		for {
			select {
			case <-gone:
				return
			case <-time.After(20 * time.Millisecond):
				d.cmd.Process.Signal(syscall.SIGTERM)
			}
		}
	}()
	require.Empty(d.t, d.wait())
}

func get(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(body)
}
