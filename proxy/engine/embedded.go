package engine

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// embedded is a server without a listener. Connections reach the server through it, so
// the server can be replaced under them.
type embedded struct {
	log        *slog.Logger
	reclaim    time.Duration
	reserve    int64 // Options.Reserve
	maxStore   int64 // bytes that everything may take; 0: the whole volume
	maxReserve int64 // of maxStore, uploads leave free
	restoring  bool
	full       atomic.Bool // new uploads are refused for lack of space

	attaching sync.Mutex // held while content is attached, detached or opened again

	mu       sync.Mutex
	server   *server.Server // nil while there is none
	logger   *logger        // the server's
	lock     *os.File
	data     *volume
	contents []content // replaced, not changed
	outage   *outage

	quit    chan struct{}
	watcher sync.WaitGroup
}

// state is what an embedded engine stores in at one moment, and its outage.
type state struct {
	data     *volume
	contents []content
	outage   *outage
	err      error // of the outage; nil while there is none
	stopped  bool  // the server's writes fail too
}

func (s state) volumes() []*volume {
	all := []*volume{s.data}
	for _, c := range s.contents {
		all = append(all, c.volume)
	}
	return all
}

var errNotRunning = errors.New("the engine is not running")

func startEmbedded(o Options) (*embedded, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	data, err := openVolume(o.Dir, o.Reserve)
	if err != nil {
		return nil, err
	}
	m := &embedded{
		log: o.Log, reclaim: o.Reclaim, reserve: o.Reserve, maxStore: o.MaxStore, maxReserve: cmp.Or(o.Reserve, defaultReserve(o.MaxStore)),
		restoring: o.Restoring, data: data, outage: newOutage(), quit: make(chan struct{}),
	}
	if err := m.begin(); err != nil {
		m.end()
		data.close()
		return nil, err
	}
	m.watcher.Go(m.endOutages)
	return m, nil
}

// begin probes the disk first, because the server reports its errors less plainly.
func (m *embedded) begin() error {
	if err := checkRestore(m.data.path, m.restoring); err != nil {
		return err
	}
	if err := m.data.probe(); err != nil {
		return err
	}
	if err := m.takeLock(); err != nil {
		return err
	}
	return m.run()
}

func (m *embedded) options() *server.Options {
	return &server.Options{
		ServerName:   "attache",
		DontListen:   true,
		NoSigs:       true,
		JetStream:    true,
		StoreDir:     m.data.handlePath(),
		SyncAlways:   !m.restoring,
		SyncInterval: m.reclaim, // the server also rewrites files with purged messages then
		// The server requires a limit and ends all writing there, the agents' too, so it is
		// the end of the volume: uploads end before it, and before MaxStore.
		JetStreamMaxStore:      m.data.total,
		DisableJetStreamBanner: true,
		MaxPayload:             server.MAX_PAYLOAD_SIZE,
		// No stream of ours is in memory; the default is most of the machine's.
		JetStreamMaxMemory: 64 << 20,
	}
}

// takeLock locks the data directory for this process.
func (m *embedded) takeLock() error {
	lock, err := m.data.lock()
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.lock = lock
	m.mu.Unlock()
	return m.data.mark()
}

// run starts a server.
func (m *embedded) run() error {
	l := &logger{log: m.log, onFailure: m.onWriteFailure}
	o := m.options()
	l.paths = strings.NewReplacer(o.StoreDir, m.data.path)
	s, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("prepare the engine: %w", err)
	}
	m.mu.Lock()
	m.logger = l
	m.mu.Unlock()
	s.SetLoggerV2(l, false, false, false)
	s.Start()
	// Not before, because connections would find no streams.
	m.mu.Lock()
	m.server = s
	m.mu.Unlock()
	if reason := l.fatal(); reason != "" {
		return fmt.Errorf("start the engine in %s: %s", m.data.path, reason)
	}
	if !s.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("start the engine in %s: it did not become ready", m.data.path)
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
		unlock(lock)
	}
}

func (m *embedded) stop() {
	close(m.quit)
	m.watcher.Wait()
	m.end()
	for _, v := range m.state().volumes() {
		v.close()
	}
}

func (m *embedded) state() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := state{data: m.data, contents: m.contents, outage: m.outage, stopped: m.outage.stopped}
	if m.outage.err != nil {
		s.err = m.outage.err
	}
	return s
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
