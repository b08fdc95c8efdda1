package e2e

import (
	"bufio"
	"bytes"
	"io"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// command is a running `attache demo` or `attache serve`.
type command struct {
	t      *testing.T
	args   []string
	data   string
	listen string
	url    string // the printed address
	cmd    *exec.Cmd
	log    lockedBuffer
	ended  chan struct{}
}

// startCommand starts a subcommand on a free port, with a data directory of its
// own, and waits until it has printed its address. When the test ends it is stopped
// and must exit with status 0.
func startCommand(t *testing.T, name string, flags ...string) *command {
	t.Helper()
	c := &command{t: t, data: t.TempDir(), listen: "127.0.0.1:0"}
	c.args = append([]string{name, "--data", c.data}, flags...)
	c.start()
	t.Cleanup(func() {
		c.stop()
		require.NotRegexp(t, signedToken, c.log.String(), "the log holds no token")
		if t.Failed() {
			t.Logf("the command's log:\n%s", c.log.String())
		}
	})
	return c
}

var (
	printedURL  = regexp.MustCompile(`http://[^\s]+`)
	signedToken = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.`)
)

func (c *command) start() {
	c.t.Helper()
	c.cmd = exec.Command(program, append(slices.Clone(c.args), "--listen", c.listen)...)
	stdout, err := c.cmd.StdoutPipe()
	require.NoError(c.t, err)
	c.cmd.Stderr = &c.log
	require.NoError(c.t, c.cmd.Start())
	c.ended = make(chan struct{})
	found := make(chan string, 1)
	go func() {
		defer close(c.ended)
		lines := bufio.NewScanner(io.TeeReader(stdout, &c.log))
		for lines.Scan() {
			if u := printedURL.FindString(lines.Text()); u != "" {
				select {
				case found <- u:
				default: // printed before
				}
			}
		}
		_ = c.cmd.Wait() // ProcessState has the exit status
	}()
	select {
	case c.url = <-found:
	case <-c.ended:
		c.t.Fatalf("the command ended before it printed its address:\n%s", c.log.String())
	case <-time.After(2 * time.Minute):
		c.t.Fatalf("the command printed no address:\n%s", c.log.String())
	}
}

// origin is its address without a path.
func (c *command) origin() string {
	u, err := url.Parse(c.url)
	require.NoError(c.t, err)
	return u.Scheme + "://" + u.Host
}

// kill ends it with SIGKILL, as a power cut would.
func (c *command) kill() {
	c.t.Helper()
	require.NoError(c.t, c.cmd.Process.Kill())
	<-c.ended
}

// startAgain starts it at the same address with the same data.
func (c *command) startAgain() {
	c.t.Helper()
	u, err := url.Parse(c.url)
	require.NoError(c.t, err)
	c.listen = u.Host
	c.start()
}

func (c *command) stop() {
	c.t.Helper()
	if c.cmd.Process == nil || c.cmd.ProcessState != nil {
		return
	}
	require.NoError(c.t, c.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-c.ended:
		require.Equal(c.t, 0, c.cmd.ProcessState.ExitCode(), "exit status after SIGTERM")
	case <-time.After(2 * time.Minute):
		_ = c.cmd.Process.Kill()
		<-c.ended
		c.t.Error("the command did not end within two minutes of SIGTERM")
	}
}

// lockedBuffer collects the output of two pipes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
