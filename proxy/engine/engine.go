// Package engine runs the one store for everything that must last: NATS
// JetStream, inside this process by default, or a cluster.
//
// The embedded engine opens no port: its files are in one directory, every write is
// synced before it is acknowledged, and connections are pipes in memory. Given a URL,
// the same callers use that cluster and store three replicas.
//
//	e, err := engine.Start(ctx, engine.Options{Dir: "data", Log: log})
//	defer e.Close()
//	stream, err := e.JetStream().CreateStream(ctx, jetstream.StreamConfig{Replicas: e.Replicas(), …})
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var errClosed = errors.New("the engine has closed")

// Options say where the store is and how much disk space it may use.
type Options struct {
	// Dir is the data directory of the embedded engine; it is created.
	Dir string
	// URL is a cluster to use instead (nats://host:port, several with commas).
	URL string
	// Credentials is the file with the credentials for URL, if it requires any.
	Credentials string
	// Replicas of each stream in a cluster; 0 means 3. The embedded engine has one.
	Replicas int
	// MaxStore is how many bytes the embedded engine and the content beside it may take;
	// 0 means the whole volume. Uploads and customers' texts end before it by the same marks
	// as before the end of the volume; only agents' texts and records may exceed it.
	MaxStore int64
	// Reserve is how many bytes of the volume uploads leave free, for the chat
	// and the records, and of MaxStore; 0 means a twentieth, at most 1 GiB.
	Reserve int64
	// Reclaim is how often the embedded engine frees the disk space of purged messages.
	// Default: 10 s; the server's own is two minutes, in which a client that uploads
	// and cancels could fill any disk. In a cluster, set sync_interval.
	Reclaim time.Duration
	// Restoring opens a directory between [BeginRestore] and [EndRestore], which any other
	// start refuses. Nothing is synced before it is acknowledged: EndRestore syncs everything.
	Restoring bool
	// Log receives the engine's own messages; nil drops them.
	Log *slog.Logger
}

// Engine is a running store with a connection to it.
type Engine struct {
	replicas int
	log      *slog.Logger
	embedded *embedded // nil where the engine is a cluster
	dial     func(name string) (*nats.Conn, error)
	conn     *nats.Conn
	js       jetstream.JetStream
	account  account

	life    context.Context
	end     context.CancelCauseFunc
	closing sync.Once
	mu      sync.Mutex
	conns   []*nats.Conn
}

// Start opens the store. Embedded, it fails when another process has the
// directory open.
func Start(ctx context.Context, o Options) (*Engine, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Reclaim = cmp.Or(o.Reclaim, 10*time.Second)
	e := &Engine{replicas: o.Replicas, log: o.Log}
	e.life, e.end = context.WithCancelCause(context.Background())
	if err := e.start(ctx, o); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func (e *Engine) start(ctx context.Context, o Options) (err error) {
	switch {
	case o.URL != "":
		e.dial = e.toCluster(o)
		e.replicas = cmp.Or(e.replicas, 3)
	case o.Dir != "":
		if e.embedded, err = startEmbedded(o); err != nil {
			return err
		}
		e.dial = e.inProcess
		e.replicas = 1
	default:
		return errors.New("the engine needs a data directory or the URL of a cluster")
	}
	if e.conn, err = e.Connect("attache"); err != nil {
		return err
	}
	if e.MaxChunk() < minChunk {
		return fmt.Errorf("the server's max_payload is %d bytes: set at least %d", e.conn.MaxPayload(), minChunk+headroom)
	}
	var waits []jetstream.JetStreamOpt
	if e.embedded != nil {
		waits = append(waits, jetstream.WithDefaultTimeout(inProcessTimeout))
	}
	if e.js, err = jetstream.New(e.conn, waits...); err != nil {
		return fmt.Errorf("use jetstream: %w", err)
	}
	return e.Ready(ctx)
}

// JetStream is the store, over the shared connection. Use [Engine.Connect] for bulk
// data.
func (e *Engine) JetStream() jetstream.JetStream { return e.js }

// Conn is the shared connection.
func (e *Engine) Conn() *nats.Conn { return e.conn }

// Connect opens one more connection, so that its bytes do not delay other requests.
// [Engine.Close] closes it.
func (e *Engine) Connect(name string) (*nats.Conn, error) {
	conn, err := e.dial(name)
	if err != nil {
		return nil, fmt.Errorf("connect to the engine: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conns = append(e.conns, conn)
	return conn, nil
}

// Dir is the data directory of the embedded engine, which is locked for this process; "" for
// a cluster.
func (e *Engine) Dir() string {
	if e.embedded == nil {
		return ""
	}
	return e.embedded.state().data.path
}

// InProcessConn returns a connection to the embedded engine, as package nats dials one.
func (e *Engine) InProcessConn() (net.Conn, error) {
	if e.embedded == nil {
		return nil, errors.New("the engine is a cluster, which has addresses of its own")
	}
	return e.embedded.InProcessConn()
}

// Replicas is the number that every stream's configuration must have.
func (e *Engine) Replicas() int { return e.replicas }

// Context ends when the engine closes.
func (e *Engine) Context() context.Context { return e.life }

// The server's max_payload bounds a message's payload and headers together; its default
// is 1 MiB. A frame of an upload has at least minChunk.
const (
	maxChunk = 960 << 10
	minChunk = 64 << 10
	headroom = 4 << 10
)

// MaxChunk is the largest payload that a message with our headers may have.
func (e *Engine) MaxChunk() int {
	return int(min(maxChunk, e.conn.MaxPayload()-headroom))
}

// Ready fails while the store cannot answer. A cluster is given the time to elect a
// leader.
func (e *Engine) Ready(ctx context.Context) error {
	if err := e.WriteErr(); err != nil {
		return err
	}
	return e.reachable(ctx)
}

// Close closes the connections and, if embedded, the engine itself, and waits until
// its files are closed. Operations under way fail.
func (e *Engine) Close() {
	e.closing.Do(e.close)
}

func (e *Engine) close() {
	e.end(errClosed)
	e.mu.Lock()
	conns := e.conns
	e.mu.Unlock()
	for _, conn := range conns {
		conn.Close()
	}
	if e.embedded != nil {
		e.embedded.stop()
	}
}
