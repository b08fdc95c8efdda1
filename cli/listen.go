package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"attache/proxy/guests"
)

// The command is gone ten seconds after the first signal at the latest: pages
// and downloads have the first part of it, deliveries the rest.
const (
	drainTime   = 6 * time.Second
	deliverTime = 2 * time.Second
)

// service is what a command keeps running until a signal ends it.
type service struct {
	handler  http.Handler
	listener net.Listener
	tls      *certificate // nil: plain HTTP
	admin    net.Listener
	ready    func(context.Context) error
	metrics  http.Handler // of the admin address; nil: none
	drain    func(context.Context) error
	log      *slog.Logger

	bodies guests.Bodies
	exempt func(netip.Addr) bool // addresses that stand for many; nil: none does
	counts func(failures func() int64)

	draining atomic.Bool
	accepted *guests.Listener
}

// run serves until the first signal, then drains; a second signal exits at
// once (see another). interrupted is the channel that signals come on.
func (s *service) run(interrupted <-chan os.Signal) error {
	handler := s.handler
	if s.tls != nil {
		handler = onlyTLS(handler)
	}
	s.accepted = guests.Listen(s.listener, guests.Options{Exempt: s.exempt})
	if s.counts != nil {
		s.counts(s.accepted.Failures)
	}
	public := server(handler, s.bodies, s.log)
	failed := make(chan error, 2)
	go func() { failed <- s.serve(public) }()
	if s.admin != nil {
		own := guests.Listen(s.admin, guests.Options{Total: adminGuests})
		go func() { failed <- server(s.adminHandler(), guests.NoBodies, s.log).Serve(own) }()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-interrupted:
	}
	s.log.Info("draining, a second signal exits at once")
	s.draining.Store(true)
	go func() {
		another(interrupted)
		s.log.Warn("exiting without draining")
		os.Exit(1)
	}()
	s.leave(public)
	if s.admin != nil {
		// Last, because the drain can be seen there.
		s.admin.Close()
	}
	return nil
}

// sameWish is how long after the first signal another one means the same: timeout(1), npm
// and whoever signals a process and then its group deliver one wish twice.
const sameWish = time.Second

// another waits for a signal that is a second wish.
func another(interrupted <-chan os.Signal) {
	for begun := time.Now(); ; {
		<-interrupted
		if time.Since(begun) >= sameWish {
			return
		}
	}
}

// leave lets pages and downloads end, for a while. If some do not, that is not a
// failure of the command: they resume elsewhere.
func (s *service) leave(public *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() {
		if err := s.drain(ctx); err != nil {
			s.log.Warn("not every page left in time", "error", err)
		}
	})
	both.Go(func() {
		if err := public.Shutdown(ctx); err != nil {
			s.log.Warn("not every download ended in time", "error", err)
			public.Close()
		}
	})
	both.Wait()
}

func (s *service) serve(h *http.Server) error {
	if s.tls != nil {
		h.TLSConfig = s.tls.config()
		return h.ServeTLS(s.accepted, "", "")
	}
	return h.Serve(s.accepted)
}

// adminGuests is how many connections the admin address takes: a few tools.
const adminGuests = 64

// maxStreams is how many requests one HTTP/2 connection may have under way. A page
// fetches fewer files at a time.
const maxStreams = 32

// server has the deadlines that come before anybody is known; sockets and
// downloads have their own.
func server(h http.Handler, bodies guests.Bodies, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           guests.Handler(h, bodies),
		ConnContext:       guests.Context,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// adminHandler is for the operator's own tools, on a listener of its own.
func (s *service) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, release()) })
	if s.metrics != nil {
		mux.Handle("GET /metrics", s.metrics)
	}
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		if err := s.ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		if err := s.accepted.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// interrupts is the channel of the signals that end a command. From then on nothing else
// does: whoever read its output or log may go, and writing to them is an error that is
// passed over, not the SIGPIPE that Go would die of.
func interrupts() <-chan os.Signal {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return c
}

// untilSignal is a context for what a start waits for; it ends with the first
// signal. begun gives the signals that follow back to who reads them next.
func untilSignal(interrupted <-chan os.Signal) (ctx context.Context, begun func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-interrupted:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-done
	}
}

// listen opens the address that a flag names.
func listen(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: another process does, choose another port by %s", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}
