package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
)

// lab is where one run happens: a directory, the compiled command and a seed.
type lab struct {
	options
	log  *slog.Logger
	auth *token.Authenticator
}

const (
	secret = "siege-siege-siege-siege-siege-siege"
	origin = "https://siege.example"
)

func newLab(ctx context.Context, o options, log *slog.Logger) (*lab, error) {
	auth, err := token.NewAuthenticator(token.Secret([]byte(secret)))
	if err != nil {
		return nil, err
	}
	l := &lab{options: o, log: log, auth: auth}
	if l.attache == "" {
		l.attache = filepath.Join(o.dir, "attache")
		build := exec.CommandContext(ctx, "go", "build", "-o", l.attache, "attache")
		if answer, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build attache: %w: %s", err, answer)
		}
	}
	return l, nil
}

// token names a party of a session.
func (l *lab) token(session, user string, kind bridge.UserType) (string, error) {
	return l.auth.Mint(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: kind},
		Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour),
	})
}

// target is one running proxy.
type target struct {
	pid    int
	addr   string // host:port of the public listener
	admin  string // http://host:port
	data   string
	log    string
	exited chan struct{}
}

var printed = regexp.MustCompile(`serving on http://(\S+) admin on (\S+)`)

const startTime = 20 * time.Second

// serve starts a proxy on free ports with empty data. descriptors bounds how many
// files it may have open; 0 is no bound of ours.
func (l *lab) serve(ctx context.Context, name string, descriptors int, flags ...string) (*target, error) {
	data, err := os.MkdirTemp(l.dir, name+"-data-*")
	if err != nil {
		return nil, err
	}
	t := &target{data: data, log: filepath.Join(l.dir, name+".log"), exited: make(chan struct{})}
	log, err := os.Create(t.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := append([]string{l.attache, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--origin", origin,
		"--token-secret", secret, "--data", data, "--scanner", "off"}, flags...)
	if descriptors > 0 {
		args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, descriptors), "sh"}, args...)
	}
	c := exec.Command(args[0], args[1:]...)
	c.Stderr = log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start attache: %w", err)
	}
	t.pid = c.Process.Pid
	line := make(chan string, 1)
	go func() {
		defer close(t.exited)
		lines := bufio.NewReader(stdout)
		first, _ := lines.ReadString('\n')
		line <- first
		io.Copy(io.Discard, lines)
		c.Wait()
	}()
	select {
	case first := <-line:
		if m := printed.FindStringSubmatch(first); m != nil {
			t.addr, t.admin = m[1], m[2]
			return t, nil
		}
		err = errors.New("attache ended before it printed its addresses")
	case <-time.After(startTime):
		err = errors.New("attache does not serve in time")
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.stop()
	return nil, fmt.Errorf("%w: %s", err, t.logged())
}

func (t *target) logged() []byte {
	b, _ := os.ReadFile(t.log)
	return b[max(0, len(b)-600):]
}

func (t *target) port() int {
	_, port, _ := net.SplitHostPort(t.addr)
	n, _ := strconv.Atoi(port)
	return n
}

// stop ends the proxy and removes what it kept.
func (t *target) stop() {
	syscall.Kill(t.pid, syscall.SIGKILL)
	<-t.exited
	os.RemoveAll(t.data)
}
