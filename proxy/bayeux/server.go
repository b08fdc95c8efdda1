package bayeux

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"attache/proxy/guests"
)

// Server is the http.Handler. It answers at whatever path it is mounted, because clients append
// the name of what they send: /cometd/handshake, /cometd/connect. Close ends it.
type Server struct {
	options   Options
	strangers *guests.Limiter // clients and sockets that are not known

	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	draining context.Context // ends with Drain
	drain    context.CancelFunc

	mu      sync.Mutex
	clients map[string]*Client
	held    map[string]int // connects that are held, by browser
	running sync.WaitGroup // sockets, and what writes to them
}

// New returns a server that is ready to serve.
func New(o Options) *Server {
	o = o.complete()
	s := &Server{options: o, clients: map[string]*Client{}, held: map[string]int{}}
	s.strangers = guests.NewLimiter(o.MaxStrangers, o.MaxStrangersAddress, false)
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.draining, s.drain = context.WithCancel(s.ctx)
	return s
}

// ServeHTTP answers a request of any transport.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" && !s.options.Origin(r) {
		http.Error(w, "this origin is not allowed", http.StatusForbidden)
		return
	}
	switch {
	case isUpgrade(r):
		s.serveSocket(w, r)
	case r.Method == http.MethodPost:
		s.servePost(w, r)
	case r.Method == http.MethodGet && r.URL.Query().Has("jsonp"):
		s.serveCallback(w, r)
	default:
		w.Header().Set("Allow", "POST")
		http.Error(w, "this is a Bayeux server: POST a message", http.StatusMethodNotAllowed)
	}
}

func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Drain answers every connect that is held, and sends sockets away. Clients that come after it
// are told to shake hands elsewhere.
func (s *Server) Drain() { s.drain() }

// Close ends every client, and returns when nothing runs any more but requests of the caller's
// HTTP server.
func (s *Server) Close() {
	s.drain()
	s.mu.Lock()
	s.stop()
	clients := s.clients
	s.clients = map[string]*Client{}
	s.mu.Unlock()
	for _, c := range clients {
		c.end(nil)
	}
	s.running.Wait()
}

// Len returns how many clients there are.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.clients)
}

// client returns the client with that id, or nil.
func (s *Server) client(id string) *Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[id]
}

// Browser reports whether a client with that cookie exists for which is returns true.
func (s *Server) Browser(r *http.Request, is func(*Client) bool) bool {
	browser := browserOf(r)
	if browser == "" {
		return false
	}
	s.mu.Lock()
	var same []*Client
	for _, c := range s.clients {
		if c.Browser == browser {
			same = append(same, c)
		}
	}
	s.mu.Unlock()
	for _, c := range same {
		if is(c) {
			return true
		}
	}
	return false
}

// add registers a new client; false if there are too many, or the server is ending.
func (s *Server) add(c *Client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= s.options.MaxClients || s.draining.Err() != nil {
		return false
	}
	s.clients[c.ID] = c
	return true
}

func (s *Server) remove(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c.ID)
}

// holds counts a connect that is held for a browser, and reports whether it may be. A client
// whose browser blocks cookies is not counted.
func (s *Server) holds(browser string) bool {
	if browser == "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[browser] >= s.options.MaxHeld {
		return false
	}
	s.held[browser]++
	return true
}

func (s *Server) released(browser string) {
	if browser == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[browser]--; s.held[browser] <= 0 {
		delete(s.held, browser)
	}
}
