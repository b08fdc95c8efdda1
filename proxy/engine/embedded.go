package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// embedded is a server without a listener. Connections find the server through
// it rather than hold it, so the server can be replaced under them.
type embedded struct {
	log     *slog.Logger
	room    volume
	reclaim time.Duration

	mu     sync.Mutex
	server *server.Server // nil while there is none
	voice  *logger        // the server's
	lock   *os.File
	breach *breach

	quit    chan struct{}
	watcher sync.WaitGroup
}

var errNotRunning = errors.New("the engine is not running")

func startEmbedded(o Options) (*embedded, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	room, err := measure(o)
	if err != nil {
		return nil, err
	}
	m := &embedded{log: o.Log, room: room, reclaim: o.Reclaim, breach: newBreach(), quit: make(chan struct{})}
	if err := m.begin(); err != nil {
		m.end()
		return nil, err
	}
	m.watcher.Go(m.watch)
	return m, nil
}

// begin tries the disk first, whose errors the server tells less plainly.
func (m *embedded) begin() error {
	if err := m.try(); err != nil {
		return err
	}
	return m.run()
}

func (m *embedded) options() *server.Options {
	return &server.Options{
		ServerName:             "attache",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               m.room.dir,
		SyncAlways:             true,
		SyncInterval:           m.reclaim, // which also rewrites files whose messages were purged
		JetStreamMaxStore:      m.room.limit(),
		DisableJetStreamBanner: true,
		MaxPayload:             server.MAX_PAYLOAD_SIZE,
		// Nothing of ours is kept in memory; the default is most of the machine's.
		JetStreamMaxMemory: 64 << 20,
	}
}

// run takes the directory and starts a server on it.
func (m *embedded) run() error {
	lock, err := lockDir(m.room.dir)
	if err != nil {
		return err
	}
	voice := &logger{log: m.log, failed: m.failed}
	m.mu.Lock()
	m.lock, m.voice = lock, voice
	m.mu.Unlock()
	s, err := server.NewServer(m.options())
	if err != nil {
		return fmt.Errorf("prepare the engine: %w", err)
	}
	s.SetLoggerV2(voice, false, false, false)
	s.Start()
	m.mu.Lock()
	m.server = s
	m.mu.Unlock()
	if reason := voice.fatal(); reason != "" {
		return fmt.Errorf("start the engine in %s: %s", m.room.dir, reason)
	}
	if !s.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("start the engine in %s: it did not become ready", m.room.dir)
	}
	return nil
}

// end shuts the server down, and gives the directory back.
func (m *embedded) end() {
	m.mu.Lock()
	s, lock := m.server, m.lock
	m.server, m.voice, m.lock = nil, nil, nil
	m.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
	if lock != nil {
		lock.Close()
	}
}

func (m *embedded) stop() {
	close(m.quit)
	m.watcher.Wait()
	m.end()
}

// InProcessConn is asked at each connect and reconnect.
func (m *embedded) InProcessConn() (net.Conn, error) {
	s, err := m.running()
	if err != nil {
		return nil, err
	}
	return s.InProcessConn()
}

// running returns the server, to be asked without the lock: one that holds locks
// of its own may be telling of a failure.
func (m *embedded) running() (*server.Server, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.server == nil {
		return nil, errNotRunning
	}
	return m.server, nil
}
