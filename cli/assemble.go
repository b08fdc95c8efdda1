package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"attache/bridge"
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

// parts is a running proxy with everything it stands on.
type parts struct {
	proxy   *proxy.Proxy
	auth    *token.Authenticator
	engine  *engine.Engine
	metrics *metrics.Metrics
	close   []func() // in the order of opening
}

// plan says what to build.
type plan struct {
	engine         engine.Options
	days           int // that transcripts and files are kept
	auth           func(*engine.Engine) (*token.Authenticator, error)
	origins        []string
	trustedProxies []string
	sockets        int  // of a party, of either kind; 0 is the proxy's default
	credentials    bool // pages may send cookies with downloads
	customerLimits bridge.Limits
	agentLimits    bridge.Limits
	customerText   int64 // bytes that one may add to a session's log
	agentText      int64
	scanner        proxy.Scanner
	largest        int64           // bytes of the largest file that it takes
	backend        *backend.Client // nil: Chat Server and documents are the engine's
	audit          proxy.Audit     // nil for none
	log            *slog.Logger
}

// budget is how many bytes all uploads together hold in memory: a half of it frames
// that are on their way in, the other what is on its way to the store. One half
// cannot wait for the other for ever, because what is stored makes room for what comes.
const budget = 32 << 20

// notStarted is the error of an engine that did not start. The library that dials a cluster
// names no address.
func notStarted(o engine.Options, err error) error {
	if o.URL != "" {
		return fmt.Errorf("start the engine: %w, check --nats and whether a server answers there", err)
	}
	return fmt.Errorf("start the engine: %w", err)
}

// assemble opens the engine and builds the rest on it. What was opened before
// an error is closed again.
func assemble(ctx context.Context, p plan) (_ *parts, err error) {
	all := &parts{metrics: metrics.New(release())}
	defer func() {
		if err != nil {
			all.Close()
		}
	}()
	p.engine.Log = p.log
	if all.engine, err = engine.Start(ctx, p.engine); err != nil {
		return nil, notStarted(p.engine, err)
	}
	all.later(all.engine.Close)
	if all.auth, err = p.auth(all.engine); err != nil {
		return nil, err
	}
	staging, err := objects.New(ctx, all.engine, objects.Options{Budget: budget / 2, Log: p.log})
	if err != nil {
		return nil, fmt.Errorf("open the documents: %w", err)
	}
	tending, stop := context.WithCancel(context.Background())
	all.later(stop)
	go staging.Tend(tending, p.days)
	conversations, documents, err := all.backend(ctx, p, staging)
	if err != nil {
		return nil, err
	}
	records, err := deliver.OpenRecords(ctx, all.engine, p.log)
	if err != nil {
		return nil, fmt.Errorf("open the uploads: %w", err)
	}
	all.later(records.Close)
	records.OnWritten(all.metrics.Upload)
	signatures := watch(tending, p.scanner)
	p.scanner = all.metrics.Scanner(p.scanner)
	loop, err := deliver.Start(ctx, deliver.Options{
		Records: records, Staging: staging, Documents: documents, Chat: conversations,
		Scanner: p.scanner, Audit: p.audit, KeepAnnounced: keep(p.days), Log: p.log,
	})
	if err != nil {
		return nil, fmt.Errorf("start the delivery: %w", err)
	}
	all.later(func() { closeLoop(loop) })
	places, err := seats.Open(ctx, all.engine, seats.Options{Log: p.log})
	if err != nil {
		return nil, fmt.Errorf("open the seats: %w", err)
	}
	all.later(places.Close)
	secret, err := all.engine.Secret(ctx, "tickets")
	if err != nil {
		return nil, fmt.Errorf("read the tickets' secret: %w", err)
	}
	all.proxy, err = proxy.New(proxy.Config{
		Seats: places, Audit: p.audit,
		Chat: conversations, Documents: documents, Staging: staging, Records: records,
		Auth: all.auth, Tickets: token.NewTickets(secret),
		Origins: p.origins, TrustedProxies: p.trustedProxies, Credentials: p.credentials, AgentLimits: &p.agentLimits, MaxFileSize: p.largest,
		MaxFrame: all.engine.MaxChunk(), FrameMemory: budget / 2, MaxSockets: p.sockets, Log: p.log,
	})
	if err != nil {
		return nil, err
	}
	all.later(all.proxy.Close)
	all.metrics.Ask(metrics.Sources{Traffic: all.proxy.Traffic, Queue: loop.Queue, Space: all.engine.Space, Signatures: signatures})
	return all, nil
}

// watch has the log told, until ctx ends, how old the scanner's signatures are, and
// returns who asks for it; nil where nothing is scanned.
func watch(ctx context.Context, s proxy.Scanner) func(context.Context) (time.Duration, error) {
	client, ok := s.(*clamd.Client)
	if !ok {
		return nil
	}
	go client.Watch(ctx, time.Hour)
	return client.Age
}

// backend is the Chat Server and the document store: those of the engine, or
// whatever the backend stands for.
func (all *parts) backend(ctx context.Context, p plan, staging *objects.Store) (proxy.ChatServer, proxy.Documents, error) {
	if p.backend != nil {
		return p.backend.Chat(), p.backend.Documents(staging), nil
	}
	conversations, err := chat.New(ctx, all.engine.JetStream(), chat.Options{
		CustomerLimits: &p.customerLimits, AgentLimits: &p.agentLimits,
		CustomerText: p.customerText, AgentText: p.agentText, Room: all.engine.Words,
		Retention: keep(p.days), Replicas: all.engine.Replicas(), Log: p.log,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	all.later(conversations.Close)
	return conversations, staging, nil
}

// keep is that many days.
func keep(days int) time.Duration { return time.Duration(days) * 24 * time.Hour }

// closeLoop gives what does not end in time to another proxy, or to this one's
// next start.
func closeLoop(loop *deliver.Loop) {
	ctx, cancel := context.WithTimeout(context.Background(), deliverTime)
	defer cancel()
	loop.Close(ctx)
}

func (all *parts) later(f func()) { all.close = append(all.close, f) }

// Close ends everything, the last opened first.
func (all *parts) Close() {
	for i := len(all.close) - 1; i >= 0; i-- {
		all.close[i]()
	}
	all.close = nil
}

// dataDir is where the engine keeps its files unless told otherwise.
func dataDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	return filepath.Join(base, "attache")
}
