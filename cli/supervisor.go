package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// The demo is two processes: a supervisor, which a person starts and which only holds
// the listening socket, and its child, which is the demo. So the plug can be pulled for
// real, with SIGKILL, without losing the port: connections made while there is no child
// wait in the socket's queue for the next one.
//
// The child serves the page, so the click on the button reaches the child. It sends a
// byte through a pipe, and the supervisor kills it: like a power cut, the end comes from
// outside, at an instruction that no code chose.

// A child that exits by itself is restarted, each time after a longer pause. One that
// keeps exiting has a fault that a restart does not repair.
const (
	minPause     = 250 * time.Millisecond
	maxPause     = 4 * time.Second
	maxRestarts  = 6
	healthyAfter = 30 * time.Second // forget earlier exits of a child that ran this long
)

// supervisor keeps one child running.
type supervisor struct {
	listener    *net.TCPListener
	out, errOut io.Writer // the child's standard output and error
	log         *slog.Logger
	ready       func() // called once, when the first child serves
	interrupted <-chan os.Signal

	served      bool // a child has been ready
	signals     int
	firstSignal time.Time
	restarts    int
}

// process is one child.
type process struct {
	cmd      *exec.Cmd
	parent   *os.File // the child reads its end when the supervisor is gone
	messages chan byte
	exited   chan error
	started  time.Time
	killed   bool // by the plug
}

// run starts children until a signal, and returns the exit code of the last one.
func (s *supervisor) run() (int, error) {
	// Linux binds the child's parent-death signal to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		p, err := s.start()
		if err != nil {
			return 1, err
		}
		code := s.watch(p)
		switch {
		case s.signals > 0, !s.served:
			return code, nil
		case p.killed:
			continue
		}
		if err := s.pause(p); err != nil || s.signals > 0 {
			return 0, err
		}
	}
}

// start gives the child a process group of its own, so that a terminal's interrupt
// reaches the supervisor alone, which passes it on.
func (s *supervisor) start() (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the demo's program: %w", err)
	}
	socket, err := s.listener.File()
	if err != nil {
		return nil, fmt.Errorf("pass the listening socket on: %w", err)
	}
	defer socket.Close()
	fromChild, messages, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the demo: %w", err)
	}
	defer messages.Close()
	childEnd, parent, err := os.Pipe()
	if err != nil {
		fromChild.Close()
		return nil, fmt.Errorf("make a pipe for the demo: %w", err)
	}
	defer childEnd.Close()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), inheritedChild+"=1")
	cmd.Stdout, cmd.Stderr = s.out, s.errOut
	cmd.ExtraFiles = []*os.File{socket, messages, childEnd}
	cmd.SysProcAttr = killedWithParent(&syscall.SysProcAttr{Setpgid: true})
	if err := cmd.Start(); err != nil {
		fromChild.Close()
		parent.Close()
		return nil, fmt.Errorf("start the demo: %w", err)
	}
	p := &process{cmd: cmd, parent: parent, messages: make(chan byte), exited: make(chan error, 1), started: time.Now()}
	go p.receive(fromChild)
	return p, nil
}

// receive passes on the child's messages, and then its exit.
func (p *process) receive(fromChild *os.File) {
	message := make([]byte, 1)
	for {
		if _, err := fromChild.Read(message); err != nil {
			break
		}
		p.messages <- message[0]
	}
	fromChild.Close()
	p.exited <- p.cmd.Wait()
}

// watch handles messages and signals until the child has exited, and returns its exit
// code.
func (s *supervisor) watch(p *process) int {
	defer p.parent.Close()
	for {
		select {
		case <-p.exited:
			return s.exitCode(p)
		case <-s.interrupted:
			s.signal(p)
		case message := <-p.messages:
			s.handle(p, message)
		}
	}
}

func (s *supervisor) handle(p *process, message byte) {
	switch {
	case message == isReady && !s.served:
		s.served = true
		s.ready()
	case message == pullPlug && s.signals == 0:
		p.killed = true
		s.log.Info("the plug was pulled, restarting the demo")
		p.cmd.Process.Kill()
	}
}

// signal drains the child at the first signal, and kills it at the second.
func (s *supervisor) signal(p *process) {
	if s.signals > 0 && time.Since(s.firstSignal) < duplicateWindow {
		return
	}
	s.signals++
	if s.signals > 1 {
		s.log.Warn("exiting without draining")
		p.cmd.Process.Kill()
		return
	}
	s.firstSignal = time.Now()
	// No connection should wait in the queue for a child that will not come.
	s.listener.Close()
	p.cmd.Process.Signal(syscall.SIGTERM)
}

// exitCode is 0 also for a child that the first signal ended before it could drain:
// there was nothing to lose yet.
func (s *supervisor) exitCode(p *process) int {
	if code := p.cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	if s.signals == 1 {
		return 0
	}
	return 1
}

// pause waits before a child that exited by itself is restarted.
func (s *supervisor) pause(p *process) error {
	if time.Since(p.started) > healthyAfter {
		s.restarts = 0
	}
	s.restarts++
	if s.restarts > maxRestarts {
		return errors.New("the demo keeps exiting: its last log lines say why")
	}
	wait := min(minPause<<(s.restarts-1), maxPause)
	s.log.Error("the demo exited by itself, restarting it", "exit", strings.TrimSpace(p.cmd.ProcessState.String()), "after", wait)
	select {
	case <-time.After(wait):
	case <-s.interrupted:
		s.signals++
	}
	return nil
}
