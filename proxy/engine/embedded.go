package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
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
	}
	return m.run()
}

func (m *embedded) run() error {
	s, err := server.NewServer(m.options)
	if err != nil {
		return fmt.Errorf("prepare the engine: %w", err)
	}
	s.SetLoggerV2(logger{m.log}, false, false, false)
	m.mu.Lock()
	m.server = s
	m.mu.Unlock()
	s.Start()
	if !s.ReadyForConnections(time.Minute) || !s.JetStreamEnabled() {
		return fmt.Errorf("the engine did not start in %s", filepath.Clean(m.options.StoreDir))
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

func (e *Engine) inProcess(name string) (*nats.Conn, error) {
	return nats.Connect("", append(e.connection(name),
		nats.InProcessServer(e.embedded),
		nats.ReconnectWait(50*time.Millisecond),
	)...)
}

func (e *Engine) foreign(url string) func(name string) (*nats.Conn, error) {
	return func(name string) (*nats.Conn, error) {
		return nats.Connect(url, append(e.connection(name),
			nats.ReconnectWait(250*time.Millisecond),
		)...)
	}
}

// connection options that both kinds share. Nothing is buffered while a
// connection is down: a publisher learns it at once and decides itself.
func (e *Engine) connection(name string) []nats.Option {
	return []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			e.log.Warn("engine connection", "connection", name, "error", err)
		}),
	}
}
