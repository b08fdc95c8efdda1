package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/chat"
	"attache/proxy/clamd"
	"attache/proxy/deliver"
	"attache/proxy/engine"
	"attache/proxy/metrics"
	"attache/proxy/objects"
	"attache/proxy/seats"
	"attache/proxy/token"
)

// parts is a running proxy with everything it needs.
type parts struct {
	proxy   *proxy.Proxy
	metrics *metrics.Metrics
	close   []func() // in the order of opening
}

// plan is what a command decides; assemble opens and connects the rest.
type plan struct {
	engine   *engine.Engine
	keepDays int // for transcripts and files
	scanner  proxy.Scanner
	backend  *backend.Client // Chat Server and documents; nil: our own, in the engine
	chat     chat.Options    // of our own Chat Server
	config   proxy.Config    // without the parts that assemble opens
	log      *slog.Logger
}

// uploadMemory is how many bytes all uploads together may hold in memory: one half for
// incoming frames, the other for chunks on their way to the store. The halves cannot
// deadlock, because stored chunks make room for incoming frames.
const uploadMemory = 32 << 20

// openEngine starts the store. The NATS library names no address when it cannot connect
// to a cluster, so the hint does.
func openEngine(ctx context.Context, o engine.Options) (*engine.Engine, error) {
	e, err := engine.Start(ctx, o)
	switch {
	case err == nil:
		return e, nil
	case o.URL != "":
		return nil, fmt.Errorf("connect to the cluster: %w: check --nats, and that a server is running there", err)
	}
	return nil, fmt.Errorf("open the store: %w", err)
}

// assemble builds a proxy on a running engine. After an error, everything opened before
// it is closed.
func assemble(ctx context.Context, p plan) (_ *parts, err error) {
	all := &parts{metrics: metrics.New(release())}
	defer func() {
		if err != nil {
			all.Close()
		}
	}()
	staging, err := objects.New(ctx, p.engine, objects.Options{Budget: uploadMemory / 2, Log: p.log})
	if err != nil {
		return nil, fmt.Errorf("open the documents: %w", err)
	}
	running, stop := context.WithCancel(context.Background())
	all.later(stop)
	go staging.Tend(running, p.keepDays)
	chatServer, documents, err := all.openChat(ctx, p, staging)
	if err != nil {
		return nil, err
	}
	records, err := deliver.OpenRecords(ctx, p.engine, p.log)
	if err != nil {
		return nil, fmt.Errorf("open the upload records: %w", err)
	}
	all.later(records.Close)
	records.OnWritten(all.metrics.Upload)
	signatures := watchSignatures(running, p.scanner)
	p.scanner = all.metrics.Scanner(p.scanner)
	loop, err := deliver.Start(ctx, deliver.Options{
		Records: records, Staging: staging, Documents: documents, Chat: chatServer,
		Scanner: p.scanner, Audit: p.config.Audit, KeepAnnounced: days(p.keepDays), Log: p.log,
	})
	if err != nil {
		return nil, fmt.Errorf("start the delivery: %w", err)
	}
	all.later(func() { closeLoop(loop) })
	seatRegistry, err := seats.Open(ctx, p.engine, seats.Options{Log: p.log})
	if err != nil {
		return nil, fmt.Errorf("open the seats: %w", err)
	}
	all.later(seatRegistry.Close)
	secret, err := p.engine.Secret(ctx, "tickets")
	if err != nil {
		return nil, fmt.Errorf("read the secret for tickets: %w", err)
	}
	c := p.config
	c.Chat, c.Documents, c.Staging, c.Records, c.Seats = chatServer, documents, staging, records, seatRegistry
	c.Tickets, c.MaxFrame, c.FrameMemory, c.Log = token.NewTickets(secret), p.engine.MaxChunk(), uploadMemory/2, p.log
	if all.proxy, err = proxy.New(c); err != nil {
		return nil, err
	}
	all.later(all.proxy.Close)
	all.metrics.Ask(metrics.Sources{Traffic: all.proxy.Traffic, Queue: loop.Queue, Space: p.engine.Space, Signatures: signatures})
	return all, nil
}

// watchSignatures logs old signatures until ctx ends, and returns the function that
// tells their age; nil if the scanner is off.
func watchSignatures(ctx context.Context, s proxy.Scanner) func(context.Context) (time.Duration, error) {
	client, ok := s.(*clamd.Client)
	if !ok {
		return nil
	}
	go client.Watch(ctx, time.Hour)
	return client.Age
}

// openChat returns the Chat Server and the document store: the backend's, or our own.
func (all *parts) openChat(ctx context.Context, p plan, staging *objects.Store) (proxy.ChatServer, proxy.Documents, error) {
	if p.backend != nil {
		return p.backend.Chat(), p.backend.Documents(staging), nil
	}
	server, err := openChatServer(ctx, p.engine, p.chat, p.keepDays, p.log)
	if err != nil {
		return nil, nil, err
	}
	all.later(server.Close)
	return server, staging, nil
}

// openChatServer opens our own Chat Server.
func openChatServer(ctx context.Context, e *engine.Engine, o chat.Options, keepDays int, log *slog.Logger) (*chat.Server, error) {
	o.Room, o.Replicas, o.Retention, o.Log = e.Words, e.Replicas(), days(keepDays), log
	server, err := chat.New(ctx, e.JetStream(), o)
	if err != nil {
		return nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	return server, nil
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// closeLoop leaves what does not end in time to another proxy, or to the next start.
func closeLoop(loop *deliver.Loop) {
	ctx, cancel := context.WithTimeout(context.Background(), deliveryTimeout)
	defer cancel()
	loop.Close(ctx)
}

func (all *parts) later(f func()) { all.close = append(all.close, f) }

// Close closes everything, the last opened first.
func (all *parts) Close() {
	for i := len(all.close) - 1; i >= 0; i-- {
		all.close[i]()
	}
	all.close = nil
}
