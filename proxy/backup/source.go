package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

// source is the engine of a data directory.
type source struct {
	dir   string
	conn  *nats.Conn
	js    jetstream.JetStream
	close func()

	onPiece func() // called with each piece of a snapshot
}

// Connect returns JetStream of a data directory, also while a process uses it: see [Create]. Call
// end after use.
func Connect(ctx context.Context, dir string, log *slog.Logger) (_ jetstream.JetStream, end func(), err error) {
	s, err := openSource(ctx, dir, cmp.Or(log, slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, nil, err
	}
	return s.js, s.close, nil
}

// openSource connects to the process that uses the directory; if none does, it opens the
// engine itself.
func openSource(ctx context.Context, dir string, log *slog.Logger) (*source, error) {
	if _, err := os.Stat(filepath.Join(dir, "jetstream")); err != nil {
		return nil, fmt.Errorf("%s is not a data directory: %w", dir, err)
	}
	s := &source{dir: dir, onPiece: func() {}}
	err := s.dial(filepath.Join(dir, socketFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		err = s.open(ctx, log)
	}
	if err != nil {
		return nil, err
	}
	if s.js, err = jetstream.New(s.conn); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *source) dial(path string) error {
	if checkSocketPath(path) != nil {
		return fs.ErrNotExist // no process can have made it
	}
	socket, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	s.conn, err = nats.Connect("nats://attache", nats.Name("backup"), nats.NoReconnect(), nats.SkipHostLookup(), nats.SetCustomDialer(dialed{socket}))
	if err != nil {
		socket.Close()
		return fmt.Errorf("connect to the process that uses %s: %w", s.dir, err)
	}
	s.close = s.conn.Close
	return nil
}

// dialed is a connection that is open already.
type dialed struct{ net.Conn }

func (d dialed) Dial(string, string) (net.Conn, error) { return d.Conn, nil }

// open starts an engine on the directory. It refuses to for another user's, because the owner
// could not open the files that the engine makes.
func (s *source) open(ctx context.Context, log *slog.Logger) error {
	if info, err := os.Stat(s.dir); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
			return fmt.Errorf("no process uses %s, so the files that are made in it would be user %d's: run this as its owner, user %d", s.dir, os.Geteuid(), owner.Uid)
		}
	}
	e, err := engine.Start(ctx, engine.Options{Dir: s.dir, Log: log})
	if errors.Is(err, engine.ErrInUse) {
		return fmt.Errorf("%s is in use by a process that does not offer its socket %s for backups: its log says why; stop it, or start it again with this release",
			s.dir, socketFile)
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", s.dir, err)
	}
	s.conn, s.close = e.Conn(), e.Close
	return nil
}
