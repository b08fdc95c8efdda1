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
	options *server.Options
	log     *slog.Logger
	room    volume
	lock    *os.File

	mu     sync.Mutex
	server *server.Server
}

func startEmbedded(o Options) (*embedded, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	m := &embedded{log: o.Log, lock: lock}
	if err := m.start(o); err != nil {
		m.stop()
		return nil, err
	}
	return m, nil
}

func (m *embedded) start(o Options) (err error) {
	if m.room, err = measure(o); err != nil {
		return err
	}
	m.options = &server.Options{
		ServerName:             "attache",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               o.Dir,
		SyncAlways:             true,
		JetStreamMaxStore:      m.room.max,
		DisableJetStreamBanner: true,
		MaxPayload:             server.MAX_PAYLOAD_SIZE,
		// Nothing of ours is kept in memory; the default is most of the machine's.
		JetStreamMaxMemory: 64 << 20,
	}
	return m.run()
}

func (m *embedded) run() error {
	s, err := server.NewServer(m.options)
	if err != nil {
		return fmt.Errorf("prepare the engine: %w", err)
	}
	log := &logger{log: m.log}
	s.SetLoggerV2(log, false, false, false)
	m.mu.Lock()
	m.server = s
	m.mu.Unlock()
	s.Start()
	if reason := log.fatal(); reason != "" {
		return fmt.Errorf("start the engine in %s: %s", m.options.StoreDir, reason)
	}
	if !s.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("start the engine in %s: it did not become ready", m.options.StoreDir)
	}
	return nil
}

func (m *embedded) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.server != nil {
		m.server.Shutdown()
		m.server.WaitForShutdown()
	}
	m.lock.Close()
}

// InProcessConn is asked at each connect and reconnect.
func (m *embedded) InProcessConn() (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.server == nil {
		return nil, errors.New("the engine is not running")
	}
	return m.server.InProcessConn()
}
