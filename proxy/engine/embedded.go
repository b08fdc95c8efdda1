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

// embedded is a server without a listener. Connections reach the server through it, so
// the server can be replaced under them.
type embedded struct {
	log     *slog.Logger
	disk    disk
	reclaim time.Duration

	mu     sync.Mutex
	server *server.Server // nil while there is none
	logger *logger        // the server's
	lock   *os.File
	outage *outage

	quit    chan struct{}
	watcher sync.WaitGroup
}

var errNotRunning = errors.New("the engine is not running")

func startEmbedded(o Options) (*embedded, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	d, err := measureDisk(o)
	if err != nil {
		return nil, err
	}
	m := &embedded{log: o.Log, disk: d, reclaim: o.Reclaim, outage: newOutage(), quit: make(chan struct{})}
	if err := m.begin(); err != nil {
		m.end()
		return nil, err
	}
	m.watcher.Go(m.endOutages)
	return m, nil
}

// begin probes the disk first, because the server reports its errors less plainly.
func (m *embedded) begin() error {
	if err := m.probe(); err != nil {
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
		StoreDir:               m.disk.dir,
		SyncAlways:             true,
		SyncInterval:           m.reclaim, // the server also rewrites files with purged messages then
		JetStreamMaxStore:      m.disk.limit(),
		DisableJetStreamBanner: true,
		MaxPayload:             server.MAX_PAYLOAD_SIZE,
		// No stream of ours is in memory; the default is most of the machine's.
		JetStreamMaxMemory: 64 << 20,
	}
}

// run locks the directory and starts a server on it.
func (m *embedded) run() error {
	lock, err := lockDir(m.disk.dir)
	if err != nil {
		return err
	}
	l := &logger{log: m.log, onFailure: m.onWriteFailure}
	m.mu.Lock()
	m.lock, m.logger = lock, l
	m.mu.Unlock()
	s, err := server.NewServer(m.options())
	if err != nil {
		return fmt.Errorf("prepare the engine: %w", err)
	}
	s.SetLoggerV2(l, false, false, false)
	s.Start()
	m.mu.Lock()
	m.server = s
	m.mu.Unlock()
	if reason := l.fatal(); reason != "" {
		return fmt.Errorf("start the engine in %s: %s", m.disk.dir, reason)
	}
	if !s.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("start the engine in %s: it did not become ready", m.disk.dir)
	}
	return nil
}

// end shuts the server down and unlocks the directory.
func (m *embedded) end() {
	m.mu.Lock()
	s, lock := m.server, m.lock
	m.server, m.logger, m.lock = nil, nil, nil
	m.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
	if lock != nil {
		unlockDir(lock)
	}
}

func (m *embedded) stop() {
	close(m.quit)
	m.watcher.Wait()
	m.end()
}

// InProcessConn is called at each connect and reconnect.
func (m *embedded) InProcessConn() (net.Conn, error) {
	s, err := m.running()
	if err != nil {
		return nil, err
	}
	return s.InProcessConn()
}

// running returns the server. Call the server without holding m.mu: it may be logging
// a failed write while it holds locks of its own.
func (m *embedded) running() (*server.Server, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.server == nil {
		return nil, errNotRunning
	}
	return m.server, nil
}
