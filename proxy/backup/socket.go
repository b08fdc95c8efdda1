package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"attache/proxy/engine"
)

// socketFile is the socket's name in the data directory.
const socketFile = "backup.sock"

// maxSocketPath is the longest path, in bytes, that the system takes for a socket.
const maxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1

// Socket offers the embedded engine to other processes of the data directory's owner.
type Socket struct {
	engine *engine.Engine
	log    *slog.Logger
	path   string
	life   context.Context
	end    context.CancelFunc

	mu       sync.Mutex
	listener net.Listener // nil: none
	closed   bool
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

// Listen offers a running engine, which outlives the socket, in its data directory; for a
// cluster it does nothing. Without the socket only a backup of the running process is
// impossible, so a failure is logged.
func Listen(e *engine.Engine, log *slog.Logger) *Socket {
	s := &Socket{engine: e, log: log, path: filepath.Join(e.Dir(), socketFile), conns: map[net.Conn]bool{}}
	s.life, s.end = context.WithCancel(context.Background())
	if e.Dir() == "" {
		return s
	}
	s.open()
	s.running.Go(s.tend)
	return s
}

// tend replaces the socket after each outage of the disk: a volume that was mounted again has the
// name, and nothing that listens.
func (s *Socket) tend() {
	for {
		select {
		case <-s.engine.WritesFailed():
		case <-s.life.Done():
			return
		}
		for s.engine.WriteErr() != nil {
			if engine.Pause(s.life, time.Second) != nil {
				return
			}
		}
		s.open()
	}
}

// open replaces the socket. The engine's lock on the directory is held, so an existing socket
// is this process's own, or a dead one's.
func (s *Socket) open() {
	if err := s.listen(); err != nil {
		s.log.Warn("attache backup cannot copy the data directory while this process runs", "error", err)
	}
}

func (s *Socket) listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
	if err := checkSocketPath(s.path); err != nil {
		return err
	}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace the socket for backups: %w", err)
	}
	l, err := listenPrivately(s.path)
	if err != nil {
		return fmt.Errorf("listen on the socket for backups: %w", err)
	}
	s.listener = l
	s.running.Go(func() { s.accept(l) })
	return nil
}

func checkSocketPath(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("the path of its socket, %s, has %d bytes, and this system takes %d: give the data directory a shorter path, for instance by a symbolic link",
			path, len(path), maxSocketPath)
	}
	return nil
}

// listenPrivately makes a socket that only the owner can connect to. It is bound in a private
// directory and then renamed, so that there is no moment in which others could connect.
func listenPrivately(path string) (net.Listener, error) {
	private := filepath.Join(filepath.Dir(path), ".s") // shorter than the socket's own name
	if err := os.RemoveAll(private); err != nil {
		return nil, err
	}
	if err := os.Mkdir(private, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	bound := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: bound})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it has another name then
	if err = os.Chmod(bound, 0o600); err == nil {
		err = os.Rename(bound, path)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (s *Socket) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // closed
		}
		if s.add(c) {
			s.running.Go(func() { s.serve(c) })
		}
	}
}

// serve passes bytes between a connection and the engine until one of them ends.
func (s *Socket) serve(c net.Conn) {
	defer s.remove(c)
	e, err := s.engine.InProcessConn()
	if err != nil {
		s.log.Warn("a backup cannot reach the engine", "error", err)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pass(e, c) })
	both.Go(func() { pass(c, e) })
	both.Wait()
}

// pass ends both connections when one has ended.
func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

func (s *Socket) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return false
	}
	s.conns[c] = true
	return true
}

func (s *Socket) remove(c net.Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Close removes the socket and ends its connections: a backup that runs fails.
func (s *Socket) Close() {
	s.end()
	s.mu.Lock()
	s.closed = true
	if s.listener != nil {
		s.listener.Close()
		os.Remove(s.path)
	}
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}
