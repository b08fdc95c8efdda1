package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// The demo is two processes. The one that a person starts holds the listening
// socket and does nothing else; its child is the demo. So the plug can be pulled
// for real, with SIGKILL, and the port is never lost: whoever connects while
// there is no child waits in the socket's queue for the next.
//
// The child serves the page, so it is the child that hears the button. It asks
// over a pipe, and the parent kills: an end that comes from outside, at an
// instruction nobody chose, is what a power cut is like; one that a process
// gives itself is not.

// inherited is set in the child's environment: its files are in plugFiles' order.
const inherited = "ATTACHE_INHERITED"

// The child's files behind the standard three.
const (
	socketFile  = 3 + iota // the listening socket
	wordsFile              // what the child says: one byte a word
	parentsFile            // nothing comes from it but its end: the parent is gone
)

// The child's words.
const (
	isReady  = 'r' // it serves
	pullPlug = 'p' // kill me and start me again
)

// A child that ends by itself is started again, later each time. One that
// keeps ending has a fault that no start mends.
const (
	firstRest  = 250 * time.Millisecond
	longRest   = 4 * time.Second
	mostFaults = 6
	goodLife   = 30 * time.Second // after which earlier faults are forgotten
)

// child is what the demo's process knows of its parent.
type child struct {
	listener net.Listener
	words    io.Writer
}

// asChild returns nil in the process that a person started. A child whose parent
// is gone ends at once, or it would hold port and data for nobody.
func asChild() (*child, error) {
	if os.Getenv(inherited) == "" {
		return nil, nil
	}
	os.Unsetenv(inherited)
	socket := os.NewFile(socketFile, "socket")
	defer socket.Close()
	l, err := net.FileListener(socket)
	if err != nil {
		return nil, fmt.Errorf("take over the listening socket: %w", err)
	}
	parent := os.NewFile(parentsFile, "parent")
	go func() {
		io.Copy(io.Discard, parent)
		os.Exit(1)
	}()
	return &child{listener: l, words: os.NewFile(wordsFile, "words")}, nil
}

func (c *child) say(word byte) error {
	_, err := c.words.Write([]byte{word})
	return err
}

// servePlug answers before it asks: the answer is in the kernel's hands by the
// time the process dies. Only the demo's own page may ask.
func (c *child) servePlug(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "http://"+r.Host {
		http.Error(w, "only the demo's own page may pull the plug", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusAccepted)
	http.NewResponseController(w).Flush()
	c.say(pullPlug)
}

// supervisor keeps one child running.
type supervisor struct {
	listener    *net.TCPListener
	out, log    io.Writer
	logger      *slog.Logger
	ready       func() // called once, when the first child serves
	interrupted <-chan os.Signal

	served    bool // a child has been ready
	signals   int
	signalled time.Time // the first of them
	faults    int
}

// life is one child.
type life struct {
	cmd    *exec.Cmd
	held   *os.File // its end tells the child that this process is gone
	words  chan byte
	ended  chan error
	began  time.Time
	pulled bool
}

// run starts children until a signal, and returns the last one's exit code.
func (s *supervisor) run() (int, error) {
	// Linux ties the child's life to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		l, err := s.start()
		if err != nil {
			return 1, err
		}
		code := s.attend(l)
		switch {
		case s.signals > 0, !s.served:
			return code, nil
		case l.pulled:
			continue
		}
		if err := s.rest(l); err != nil || s.signals > 0 {
			return 0, err
		}
	}
}

// start gives the child a process group of its own: a terminal's interrupt comes
// to this process alone, which passes it on.
func (s *supervisor) start() (*life, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the demo's own program: %w", err)
	}
	socket, err := s.listener.File()
	if err != nil {
		return nil, fmt.Errorf("hand the listening socket on: %w", err)
	}
	defer socket.Close()
	heard, words, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the demo: %w", err)
	}
	defer words.Close()
	parent, held, err := os.Pipe()
	if err != nil {
		heard.Close()
		return nil, fmt.Errorf("make a pipe for the demo: %w", err)
	}
	defer parent.Close()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), inherited+"=1")
	cmd.Stdout, cmd.Stderr = s.out, s.log
	cmd.ExtraFiles = []*os.File{socket, words, parent}
	cmd.SysProcAttr = tied(&syscall.SysProcAttr{Setpgid: true})
	if err := cmd.Start(); err != nil {
		heard.Close()
		held.Close()
		return nil, fmt.Errorf("start the demo: %w", err)
	}
	l := &life{cmd: cmd, held: held, words: make(chan byte), ended: make(chan error, 1), began: time.Now()}
	go l.watch(heard)
	return l, nil
}

// watch passes the child's words on, and then its end.
func (l *life) watch(heard *os.File) {
	word := make([]byte, 1)
	for {
		if _, err := heard.Read(word); err != nil {
			break
		}
		l.words <- word[0]
	}
	heard.Close()
	l.ended <- l.cmd.Wait()
}

// attend stays with a child until it has ended, and returns its exit code.
func (s *supervisor) attend(l *life) int {
	defer l.held.Close()
	for {
		select {
		case <-l.ended:
			return s.code(l)
		case <-s.interrupted:
			s.leave(l)
		case word := <-l.words:
			s.hear(l, word)
		}
	}
}

func (s *supervisor) hear(l *life, word byte) {
	switch {
	case word == isReady && !s.served:
		s.served = true
		s.ready()
	case word == pullPlug && s.signals == 0:
		l.pulled = true
		s.logger.Info("the plug is pulled")
		l.cmd.Process.Kill()
	}
}

// leave has the child drain at the first signal and ends it at the second.
func (s *supervisor) leave(l *life) {
	if s.signals > 0 && time.Since(s.signalled) < sameWish {
		return
	}
	s.signals++
	if s.signals == 1 {
		s.signalled = time.Now()
	}
	if s.signals > 1 {
		s.logger.Warn("exiting without draining")
		l.cmd.Process.Kill()
		return
	}
	// Nobody waits in the queue for a child that will not come.
	s.listener.Close()
	l.cmd.Process.Signal(syscall.SIGTERM)
}

// code of a child that the first signal ended before it could drain is that of a
// drain: there was nothing to lose yet.
func (s *supervisor) code(l *life) int {
	if code := l.cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	if s.signals == 1 {
		return 0
	}
	return 1
}

// rest waits before a child that ended by itself is started again.
func (s *supervisor) rest(l *life) error {
	if time.Since(l.began) > goodLife {
		s.faults = 0
	}
	s.faults++
	if s.faults > mostFaults {
		return errors.New("the demo ended too often: what it said last tells why")
	}
	wait := min(firstRest<<(s.faults-1), longRest)
	s.logger.Error("the demo ended by itself, starting it again", "end", strings.TrimSpace(l.cmd.ProcessState.String()), "after", wait)
	select {
	case <-time.After(wait):
	case <-s.interrupted:
		s.signals++
	}
	return nil
}
