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
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"attache/proxy/chatrequest"
	"attache/proxy/gms"
	"attache/proxy/guests"
	"attache/proxy/limits"
)

// shutdownTimeout is how long pages and downloads may take to end after the first signal.
// A command exits at most ten seconds after it: unfinished deliveries get two of the rest.
const shutdownTimeout = 6 * time.Second

// service is a command's listeners, which run until a signal.
type service struct {
	handler  http.Handler
	listener net.Listener
	tls      *certificate // nil: plain HTTP
	admin    net.Listener // nil: none
	ready    func(context.Context) error
	metrics  http.Handler // on the admin address; nil: none
	limits   http.Handler // the same
	drain    func(context.Context) error
	log      *slog.Logger

	requested *chatrequest.Requests // listed on the admin address; nil: none

	bodies       guests.Bodies
	exempt       func(netip.Addr) bool       // addresses that many clients share; nil: none
	reportFailed func(failures func() int64) // gets the count of failed accepts; may be nil

	draining atomic.Bool
	accepted *guests.Listener
}

// run serves until the first signal, then drains. A second signal exits at once (see
// secondSignal).
func (s *service) run(interrupted <-chan os.Signal) error {
	handler := s.handler
	if s.tls != nil {
		handler = strictTransport(handler)
	}
	s.accepted = guests.Listen(s.listener, guests.Options{Exempt: s.exempt})
	if s.reportFailed != nil {
		s.reportFailed(s.accepted.Failures)
	}
	public := server(handler, s.bodies, s.log)
	failed := make(chan error, 2)
	go func() { failed <- s.serve(public) }()
	if s.admin != nil {
		go func() { failed <- s.serveAdmin() }()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-interrupted:
	}
	s.log.Info("draining, a second signal exits at once")
	s.draining.Store(true)
	go func() {
		secondSignal(interrupted)
		s.log.Warn("exiting without draining")
		os.Exit(1)
	}()
	s.shutdown(public)
	if s.admin != nil {
		// The admin address closes last, so that operators can watch the drain.
		s.admin.Close()
	}
	return nil
}

// shutdown lets pages and downloads end, for shutdownTimeout. If some do not, that is
// not an error of the command: they resume at another proxy.
func (s *service) shutdown(public *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() {
		if err := s.drain(ctx); err != nil {
			s.log.Warn("some pages did not leave in time", "error", err)
		}
	})
	both.Go(func() {
		if err := public.Shutdown(ctx); err != nil {
			s.log.Warn("some downloads did not end in time", "error", err)
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

// serveAdmin serves the admin address. One address may have all of its connections, because
// the operator's tools are on one machine.
func (s *service) serveAdmin() error {
	bodies := guests.NoBodies
	if s.limits != nil {
		bodies = guests.TimedBodies
	}
	own := guests.Listen(s.admin, guests.Options{Total: maxAdminConnections, PerAddress: maxAdminConnections})
	return server(s.adminHandler(), bodies, s.log).Serve(own)
}

// maxAdminConnections is enough for an operator's few tools.
const maxAdminConnections = 64

// maxStreams bounds the concurrent requests of one HTTP/2 connection. A page fetches
// fewer files at a time.
const maxStreams = 32

// server has the timeouts that apply before a client is authenticated; sockets and
// downloads have their own.
func server(h http.Handler, bodies guests.Bodies, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           deadlines(h, bodies),
		ConnContext:       guests.ConnContext,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// deadlines adds deadlines to h. Of all its paths, those of GMS' Chat API read bodies, whatever is
// so of the others.
func deadlines(h http.Handler, bodies guests.Bodies) http.Handler {
	with, without := guests.Handler(h, guests.TimedBodies), guests.Handler(h, bodies)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(strings.ToLower(path.Clean(r.URL.Path))+"/", gms.Path) {
			with.ServeHTTP(w, r)
			return
		}
		without.ServeHTTP(w, r)
	})
}

// adminHandler is for the operator's tools.
func (s *service) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, release()) })
	if s.metrics != nil {
		mux.Handle("GET /metrics", s.metrics)
	}
	if s.limits != nil {
		mux.Handle(limits.Path, s.limits)
	}
	if s.requested != nil {
		mux.Handle("GET "+chatrequest.Path, s.requested)
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

// listen opens the address that a flag names.
func listen(flag, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: the port is in use: choose another one with %s", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// baseURL is where clients reach a listener.
func baseURL(l net.Listener, cert *certificate) string {
	switch {
	case l == nil:
		return "none"
	case cert != nil:
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}
