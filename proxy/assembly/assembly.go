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
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
	"attache/proxy/clamd"
	"attache/proxy/deliver"
	"attache/proxy/engine"
	"attache/proxy/inspect"
	"attache/proxy/limits"
	"attache/proxy/mail"
	"attache/proxy/metrics"
	"attache/proxy/registry"
	"attache/proxy/seats"
	"attache/proxy/token"
	"attache/proxy/transcript"
)

// Options are what differs from one proxy to another. Open itself sets what it opens:
// the parts of Proxy and Deliver, and the disk space and retention of Chat.
type Options struct {
	KeepDays  int           // for transcripts and files; 0 is 30
	Scanner   proxy.Scanner // required
	Elsewhere Elsewhere     // the systems that take the place of our own
	Chat      chat.Options  // of our own Chat Server
	// Limits are the limits of files, as this process starts with them; nil: those of Chat and
	// Proxy, which never change.
	Limits *limits.Settings
	// Responses is the directory of the library of standard responses; empty: that of Elsewhere,
	// if there is one.
	Responses string
	Deliver   deliver.Options
	Mail      *mail.Options   // of transcripts; Open sets Chat, Audit and Log. nil: none are sent
	Inspect   inspect.Options // of documents that the delivery did not scan; Dir may be empty
	Seats     seats.Options
	Proxy     proxy.Config
	Version   string // of the program, for metrics
	Log       *slog.Logger

	// Stores returns an open store by its name. One process has each store of an embedded engine
	// open once, so proxies that share one share the stores. Default: OpenStore opens it.
	Stores func(name string) (Store, error)

	// Wrap may put something between the proxy and its parts. Default: nothing.
	Wrap func(*proxy.Config)
}

// Assembly is a running proxy with the parts that it uses.
type Assembly struct {
	Proxy   *proxy.Proxy
	Chat    proxy.ChatServer
	Store   Store // of uploads, and of documents where they are our own
	Records *deliver.Records
	Loop    *deliver.Loop
	Seats   *seats.Seats
	Tickets proxy.Tickets
	Metrics *metrics.Metrics
	Limits  *limits.Store // nil without Options.Limits

	Transcripts http.Handler // serves transcript.Path
	Mails       *mail.Loop   // nil: no mails are sent
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
	if err := o.openLimits(ctx, e, &a.Limits, &a.closers); err != nil {
		return nil, err
	}
	if err := o.Elsewhere.check(); err != nil {
		return nil, err
	}
	store, closeStore, err := o.openStore(ctx, e, o.Elsewhere.storeName())
	if err != nil {
		return nil, err
	}
	a.later(closeStore)
	a.Store = store
	documents := o.Elsewhere.documents(a.Store)
	if a.Chat = o.Elsewhere.Chat; a.Chat == nil {
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
	a.sweeping(store, o.KeepDays, a.Records.Linked, o.Log)
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
	c.CountAgents = o.Elsewhere.Chat == nil
	c.WatchLimits = watchLimits(nil, a.Chat)
	if o.Elsewhere.Chat != nil {
		c.WatchLimits = watchLimits(a.Limits, a.Chat)
	}
	if a.Limits != nil {
		c.AgentLimits = func() bridge.Limits { _, agents := a.Limits.Limits(); return agents }
	}
	c.Chat, c.Documents, c.Staging, c.Records, c.Seats = a.Chat, documents, a.Store, a.Records, a.Seats
	c.Tickets, c.MaxFrame, c.FrameMemory, c.Log = a.Tickets, e.MaxChunk(), uploadMemory/2, o.Log
	if voucher, ok := a.Chat.(proxy.Voucher); c.TrustCustomerFiles || ok && voucher.Vouches() {
		if c.Registry, err = registry.Open(ctx, e, registry.Options{Keep: days(o.KeepDays)}); err != nil {
			return nil, err
		}
	}
	if c.Inspector, err = a.inspector(ctx, e, o, documents); err != nil {
		return nil, err
	}
	if o.Responses != "" {
		if c.Library, err = o.openLibrary(&a.closers, a.Store, documents, d.Scanner); err != nil {
			return nil, err
		}
	} else if o.Elsewhere.Library != nil {
		c.Library = o.Elsewhere.Library
	}
	if o.Wrap != nil {
		o.Wrap(&c)
	}
	if a.Proxy, err = proxy.New(c); err != nil {
		return nil, err
	}
	a.later(a.Proxy.Close)
	source, _ := a.Chat.(proxy.Transcripts)
	if o.Mail != nil {
		if err := a.openMails(ctx, e, o, source); err != nil {
			return nil, err
		}
	}
	a.Transcripts = transcript.NewHandler(transcript.HandlerOptions{Source: source, Auth: c.Auth, Audit: c.Audit, Log: o.Log})
	a.Metrics.Collect(metrics.Sources{Traffic: a.Proxy.Traffic, Queue: a.Loop.Queue, FreeSpace: e.FreeSpace, Signatures: signatures})
	return a, nil
}

// openMails starts the mails of transcripts.
func (a *Assembly) openMails(ctx context.Context, e *engine.Engine, o Options, source proxy.Transcripts) (err error) {
	if source == nil {
		return errors.New("mails need a backend with the feature transcripts, and this one does not have it")
	}
	m := *o.Mail
	m.Chat, m.Audit, m.Log, m.Keep = source, o.Proxy.Audit, o.Log, days(o.KeepDays+1)
	m.OnEnd = func(r mail.Record) { a.Metrics.Mail(string(r.State)) }
	if a.Mails, err = mail.Start(ctx, e, m); err != nil {
		return fmt.Errorf("start the mails: %w", err)
	}
	a.later(func() { closeMails(a.Mails) })
	return nil
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

// closeMails closes the loop. A mail that is not sent in time is left to another proxy, or to the
// next start.
func closeMails(loop *mail.Loop) {
	ctx, cancel := context.WithTimeout(context.Background(), deliveryTimeout/4)
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
