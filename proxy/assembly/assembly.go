// Package assembly builds a whole proxy on a running engine: the sessions, the documents,
// the deliveries and the seats. The command runs what it builds and so do the tests of
// the packages below proxy (see package proxytest), so that neither can drift from the
// other.
//
//	e, err := engine.Start(ctx, engine.Options{Dir: dir})
//	a, err := assembly.Open(ctx, e, assembly.Options{Scanner: scanner, Proxy: proxy.Config{Auth: auth, Origins: origins}})
//	http.Handle("/attache/", a.Proxy)
package assembly

import (
	"cmp"
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

// Options are what differs from one proxy to another. Open itself sets what it opens:
// the parts of Proxy and Deliver, and the disk space and retention of Chat.
type Options struct {
	KeepDays int             // for transcripts and files; 0 is 30
	Scanner  proxy.Scanner   // required
	Backend  *backend.Client // Chat Server and documents; nil: our own, in the engine
	Chat     chat.Options    // of our own Chat Server
	Deliver  deliver.Options
	Seats    seats.Options
	Proxy    proxy.Config
	Version  string // of the program, for metrics
	Log      *slog.Logger

	// Wrap may put something between the proxy and its parts. Default: nothing.
	Wrap func(*proxy.Config)
}

// Assembly is a running proxy with the parts that it uses.
type Assembly struct {
	Proxy   *proxy.Proxy
	Chat    proxy.ChatServer
	Store   *objects.Store // of uploads, and of documents where they are our own
	Records *deliver.Records
	Loop    *deliver.Loop
	Seats   *seats.Seats
	Tickets proxy.Tickets
	Metrics *metrics.Metrics
	closers
}

const keepDays = 30

// uploadMemory is how many bytes all uploads together may hold in memory: one half for
// incoming frames, the other for chunks on their way to the store. The halves cannot
// deadlock, because stored chunks make room for incoming frames.
const uploadMemory = 32 << 20

// Open builds a proxy on an engine, which outlives it. After an error, everything opened
// before it is closed.
func Open(ctx context.Context, e *engine.Engine, o Options) (_ *Assembly, err error) {
	o.KeepDays = cmp.Or(o.KeepDays, keepDays)
	a := &Assembly{Metrics: metrics.New(o.Version)}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	running, stop := context.WithCancel(context.Background())
	a.later(stop)
	options := objects.Options{Budget: uploadMemory / 2, Log: o.Log}
	if o.Backend != nil {
		// The backend may be ours, on the same cluster: under the same name, putting a document
		// would discard the upload that it is put from.
		options.Prefix = "staged"
	}
	if a.Store, err = openStore(ctx, running, e, options, o.KeepDays); err != nil {
		return nil, err
	}
	var documents proxy.Documents = a.Store
	if o.Backend != nil {
		a.Chat, documents = o.Backend.Chat(), o.Backend.Documents(a.Store)
	} else {
		server, err := openChat(ctx, e, o)
		if err != nil {
			return nil, err
		}
		a.later(server.Close)
		a.Chat = server
	}
	if a.Records, err = deliver.OpenRecords(ctx, e, deliver.RecordsOptions{OnWritten: a.Metrics.Upload, Log: o.Log}); err != nil {
		return nil, fmt.Errorf("open the upload records: %w", err)
	}
	a.later(a.Records.Close)
	signatures := watchSignatures(running, o.Scanner)
	d := o.Deliver
	d.Records, d.Staging, d.Documents, d.Chat, d.Audit = a.Records, a.Store, documents, a.Chat, o.Proxy.Audit
	d.Scanner, d.KeepAnnounced, d.Log = a.Metrics.Scanner(o.Scanner), days(o.KeepDays), o.Log
	if a.Loop, err = deliver.Start(ctx, d); err != nil {
		return nil, fmt.Errorf("start the delivery: %w", err)
	}
	a.later(func() { closeLoop(a.Loop) })
	s := o.Seats
	s.Log = o.Log
	if a.Seats, err = seats.Open(ctx, e, s); err != nil {
		return nil, fmt.Errorf("open the seats: %w", err)
	}
	a.later(a.Seats.Close)
	secret, err := e.Secret(ctx, "tickets")
	if err != nil {
		return nil, fmt.Errorf("read the secret for tickets: %w", err)
	}
	a.Tickets = token.NewTickets(secret)
	c := o.Proxy
	c.Chat, c.Documents, c.Staging, c.Records, c.Seats = a.Chat, documents, a.Store, a.Records, a.Seats
	c.Tickets, c.MaxFrame, c.FrameMemory, c.Log = a.Tickets, e.MaxChunk(), uploadMemory/2, o.Log
	if o.Wrap != nil {
		o.Wrap(&c)
	}
	if a.Proxy, err = proxy.New(c); err != nil {
		return nil, err
	}
	a.later(a.Proxy.Close)
	a.Metrics.Collect(metrics.Sources{Traffic: a.Proxy.Traffic, Queue: a.Loop.Queue, FreeSpace: e.FreeSpace, Signatures: signatures})
	return a, nil
}

// openStore opens the documents and sweeps old ones until running ends.
func openStore(ctx, running context.Context, e *engine.Engine, o objects.Options, keepDays int) (*objects.Store, error) {
	store, err := objects.Open(ctx, e, o)
	if err != nil {
		return nil, fmt.Errorf("open the documents: %w", err)
	}
	go store.Tend(running, keepDays)
	return store, nil
}

// openChat opens our own Chat Server.
func openChat(ctx context.Context, e *engine.Engine, o Options) (*chat.Server, error) {
	c := o.Chat
	c.AdmitText, c.Retention, c.Log = e.AdmitText, days(o.KeepDays), o.Log
	server, err := chat.Open(ctx, e, c)
	if err != nil {
		return nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	return server, nil
}

// watchSignatures logs old signatures until ctx ends, and returns the function that
// returns their age; nil if the scanner is off.
func watchSignatures(ctx context.Context, s proxy.Scanner) func(context.Context) (time.Duration, error) {
	client, ok := s.(*clamd.Client)
	if !ok {
		return nil
	}
	go client.LogSignaturesEvery(ctx, time.Hour)
	return client.Age
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// deliveryTimeout is how long Close waits for deliveries. The command counts on it: see
// its shutdownTimeout.
const deliveryTimeout = 2 * time.Second

// closeLoop closes the loop. Deliveries that do not end in time are left to another
// proxy, or to the next start.
func closeLoop(loop *deliver.Loop) {
	ctx, cancel := context.WithTimeout(context.Background(), deliveryTimeout)
	defer cancel()
	loop.Close(ctx)
}

// closers end what was opened.
type closers []func()

func (c *closers) later(f func()) { *c = append(*c, f) }

// Close closes everything, the last opened first.
func (c *closers) Close() {
	for i := len(*c) - 1; i >= 0; i-- {
		(*c)[i]()
	}
	*c = nil
}
