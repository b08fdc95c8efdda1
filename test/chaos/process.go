package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startTime bounds how long a process takes until it serves.
const startTime = 30 * time.Second

// process is one program that is killed and started again with the same
// arguments. It serves when a line of its output begins with ready.
type process struct {
	name  string
	path  string
	args  []string
	env   []string
	ready string
	first bool   // others cannot start while it is dead
	log   string // file to which stderr is appended

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	served time.Time // when start last succeeded
}

// start runs the program and waits until it serves.
func (p *process) start(ctx context.Context) error {
	served, err := p.begin()
	if err != nil {
		return err
	}
	late := time.NewTimer(startTime)
	defer late.Stop()
	select {
	case ok := <-served:
		if !ok {
			return fmt.Errorf("%s ended before it served: %s", p.name, tail(p.log))
		}
		p.mu.Lock()
		p.served = time.Now()
		p.mu.Unlock()
		return nil
	case <-late.C:
		return fmt.Errorf("%s does not serve within %s: %s", p.name, startTime, tail(p.log))
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *process) lastServed() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.served
}

// begin runs the program. The channel reports whether it began to serve.
func (p *process) begin() (<-chan bool, error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c := exec.Command(p.path, p.args...)
	c.Env = append([]string{"HOME=" + os.TempDir(), "PATH=" + os.Getenv("PATH")}, p.env...)
	c.Stderr = log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	served, exited := make(chan bool, 1), make(chan struct{})
	p.mu.Lock()
	p.cmd, p.exited = c, exited
	p.mu.Unlock()
	go func() {
		defer close(exited)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), p.ready) {
				served <- true
				break
			}
		}
		io.Copy(io.Discard, out)
		c.Wait()
		close(served)
	}()
	return served, nil
}

// kill ends the process at once, and returns when it is gone.
func (p *process) kill() { p.signal(syscall.SIGKILL) }

// killAll kills them at once.
func killAll(dying []*process) {
	var all sync.WaitGroup
	for _, p := range dying {
		all.Go(p.kill)
	}
	all.Wait()
}

// startAll starts them, each at once when those that it needs serve.
func startAll(ctx context.Context, dead []*process) (err error) {
	for _, first := range []bool{true, false} {
		failed := make(chan error, len(dead))
		for _, p := range dead {
			if p.first == first {
				go func() { failed <- p.start(ctx) }()
			} else {
				failed <- nil
			}
		}
		for range dead {
			err = errors.Join(err, <-failed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	c, exited := p.cmd, p.exited
	p.mu.Unlock()
	if c == nil {
		return
	}
	c.Process.Signal(s)
	<-exited
}

func tail(path string) string {
	b, _ := os.ReadFile(path)
	return string(b[max(0, len(b)-600):])
}

// freeAddress returns a free loopback address for a process that must keep it when
// it is started again. The port is below 32768, from where on the kernel gives
// ports to outgoing connections, which could take it while the process is dead.
func freeAddress() (string, error) {
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprint("127.0.0.1:", 16384+rand.IntN(16384))); err == nil {
			defer l.Close()
			return l.Addr().String(), nil
		}
	}
	return "", err
}
