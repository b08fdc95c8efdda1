package gms

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/guests"
)

// Path is where the interface is, as the vendor's clients have it.
const Path = "/genesys/"

// Server is the http.Handler of everything below [Path].
type Server struct {
	cfg       Options
	proxy     *proxy.Proxy
	flex      *proxy.Flex
	transfers *proxy.Transfers
	mux       *http.ServeMux
	cleaned   http.Handler
	cometd    *cometd // nil: not served

	spools spoolBudget // of files that came before the identity of their party

	chats *guests.Rates // that are requested, by address
	wrong *guests.Rates // requests with a key or a session that is none, by address
}

// Rates of requests that no party's secure key identifies, and the addresses known at a time.
const (
	wrongRate  = 1 // a second
	wrongBurst = 100
	addresses  = 8192
)

// NewServer returns a server for the sessions of p.
func NewServer(p *proxy.Proxy, o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{
		cfg: o, proxy: p, flex: p.Flex(), transfers: p.Transfers(), mux: http.NewServeMux(),
		chats: guests.NewRates(rate.Limit(float64(o.ChatsPerMinute)/60), o.ChatsPerMinute, addresses),
		wrong: guests.NewRates(wrongRate, wrongBurst, addresses),
	}
	if s.flex == nil {
		return nil, errors.New("GMS' Chat API needs a Chat Server whose transcripts can be read")
	}
	if o.Admission == AdmitAPIKey && len(o.APIKeys) == 0 {
		return nil, errors.New("admission by API key needs an API key")
	}
	s.cleaned = proxy.CleanPaths(http.HandlerFunc(s.route))
	s.handle("/genesys/2/chat/{service}", s.serve((*Server).requestChat))
	if o.RequestChatPath == Accept {
		s.handle("/genesys/2/chat/{service}/request-chat", s.serve((*Server).requestChat))
	}
	for name, op := range operations {
		s.handle("/genesys/2/chat/{service}/{chat}/"+name, s.serve(op))
	}
	if len(o.CometD.Secret) > 0 {
		var err error
		if s.cometd, err = newCometD(s, o.CometD); err != nil {
			return nil, err
		}
		s.mux.Handle(PathCometD, s.cometd)
		s.mux.Handle(PathCometD+"/", s.cometd)
		s.handle(PathCometDFiles, s.cometd.serveFiles)
	}
	s.handleFiles()
	return s, nil
}

// Drain answers the polls that are held, and sends CometD's clients away: another proxy tells
// them to shake hands again.
func (s *Server) Drain() {
	if s != nil && s.cometd != nil {
		s.cometd.Drain()
	}
}

// Close ends CometD's clients, and returns when nothing is pushed any more. Like Drain, it does
// nothing for a nil server.
func (s *Server) Close() {
	if s != nil && s.cometd != nil {
		s.cometd.close()
	}
}

// handle routes POST requests. A pattern has no method and no trailing slash.
func (s *Server) handle(pattern string, h http.HandlerFunc) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST, OPTIONS")
			s.answer(w, r, Reply{}, refuse(http.StatusMethodNotAllowed, "every request of this interface is a POST", "send it as one"))
			return
		}
		h(w, r)
	})
}

// ServeHTTP answers a request, whatever its path: with slashes doubled or at its end as without,
// because a redirect would turn a POST into a GET.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.cleaned.ServeHTTP(w, r) }

func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	if s.cors(w, r) {
		return
	}
	if path := strings.TrimSuffix(r.URL.Path, "/"); path != r.URL.Path {
		u := *r.URL
		u.Path, u.RawPath = path, strings.TrimSuffix(u.RawPath, "/")
		copied := *r
		copied.URL = &u
		r = &copied
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.answer(w, r, Reply{}, notFound("there is nothing at this path", "compare it with docs/gms.md"))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// serve answers an operation over REST.
func (s *Server) serve(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := s.call(r)
		if err != nil {
			s.answer(w, r, Reply{}, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		reply, err := s.do(ctx, c, op)
		s.answer(w, r, reply, err)
	}
}

// requestTime bounds the time of one request at Chat Server.
const requestTime = 15 * time.Second

// do does an operation, within the rates of clients that no secure key identifies.
func (s *Server) do(ctx context.Context, c *Call, op operation) (Reply, error) {
	if c.Service != "" {
		if _, err := s.cfg.service(c.Service); err != nil {
			return Reply{}, err
		}
	}
	reply, err := op(s, ctx, c)
	switch code := bridge.CodeOf(err); {
	case err == nil:
		guests.MarkKnown(ctx)
	case code == bridge.CodeSecureKey || code == bridge.CodeParty:
		if !s.wrong.Allow(c.Address, 1) {
			err = refuse(http.StatusTooManyRequests, "too many requests of this address had a wrong key", "try again later")
		}
	case ctx.Err() != nil:
		err = bridge.WrapError(bridge.CodeTimeout, err)
	}
	return reply, err
}

// answer writes a reply, or what was wrong.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, reply Reply, err error) {
	status := http.StatusOK
	if err != nil {
		reply, status = s.failed(r.Context(), err)
		s.cfg.Log.Debug("a request of GMS' Chat API was refused", "status", status, "code", reply.Errors[0].Code, "address", s.proxy.Address(r))
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(reply)
}

// call reads the parameters of a request. A file in it is dropped.
func (s *Server) call(r *http.Request) (*Call, error) {
	c, body, err := s.open(r)
	if err != nil {
		return nil, err
	}
	for {
		file, err := c.read(body)
		if err != nil {
			return nil, err
		}
		if file == nil {
			return c, c.position(&s.cfg, s.cfg.RestZero)
		}
	}
}

// open returns the call that a request's path and query make, and the parts of its body, which
// count more.
func (s *Server) open(r *http.Request) (*Call, parts, error) {
	c := &Call{
		Service: r.PathValue("service"), ChatID: r.PathValue("chat"), FileID: r.PathValue("file"),
		Params: map[string]string{}, Address: s.proxy.Address(r), Header: r.Header,
	}
	query, err := readForm(r.URL.RawQuery)
	if err != nil {
		return nil, nil, err
	}
	c.read(query)
	if !s.cfg.KeyInQuery {
		c.SecureKey = ""
	}
	body, err := openBody(r, s.cfg.BodyTime)
	return c, body, err
}
