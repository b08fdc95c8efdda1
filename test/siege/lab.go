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
	"attache/test/harness"

	"golang.org/x/sys/unix"
)

// lab is the options of a run, with the compiled command.
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
		l.attache = filepath.Join(o.Dir, "attache")
		if err := harness.Build(ctx, l.attache); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// token makes a token of a party of a session.
func (l *lab) token(session, user string, kind bridge.UserType) (string, error) {
	return l.auth.Mint(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent},
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
	clean  func() // removes its data
}

// errMount says that a row with a volume of its own cannot be played.
var errMount = errors.New("a small file system cannot be mounted here")

// mount mounts a file system of mb MB at dir, unless mb is 0. clean removes it and dir.
func mount(dir string, mb int) (clean func(), err error) {
	if mb == 0 {
		return func() { os.RemoveAll(dir) }, nil
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mb)); err != nil {
		return nil, errors.Join(errMount, err, os.Remove(dir))
	}
	return func() {
		unix.Unmount(dir, unix.MNT_DETACH)
		os.RemoveAll(dir)
	}, nil
}

var printed = regexp.MustCompile(`serving on http://(\S+) admin on (\S+)`)

const startTime = 20 * time.Second

// serve starts a proxy on free ports with an empty data directory, within the row's
// limits of descriptors and disk.
func (l *lab) serve(ctx context.Context, r row, flags ...string) (*target, error) {
	data, err := os.MkdirTemp(l.Dir, r.name+"-data-*")
	if err != nil {
		return nil, err
	}
	t := &target{data: data, log: filepath.Join(l.Dir, r.name+".log"), exited: make(chan struct{})}
	if t.clean, err = mount(data, r.volume); err != nil {
		return nil, err
	}
	log, err := os.Create(t.log)
	if err != nil {
		t.clean()
		return nil, err
	}
	defer log.Close()
	args := append([]string{l.attache, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--origin", origin,
		"--token-secret", secret, "--data", data, "--scanner", "off"}, flags...)
	if r.descriptors > 0 {
		args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, r.descriptors), "sh"}, args...)
	}
	c := exec.Command(args[0], args[1:]...)
	c.Stderr = log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.clean()
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

// stop ends the proxy and removes its data.
func (t *target) stop() {
	syscall.Kill(t.pid, syscall.SIGKILL)
	<-t.exited
	t.clean()
}
