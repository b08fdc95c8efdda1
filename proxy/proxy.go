package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"attache/bridge"
	"attache/proxy/guests"
)

// Proxy is the http.Handler. It serves paths below /attache/ and no others.
type Proxy struct {
	cfg       Config
	mux       *http.ServeMux
	origins   origins
	trusted   trustedProxies
	hints     hints
	waiting   *guests.Limiter // sockets that have not authenticated
	refusals  *refusalLog
	transfers *Transfers
	flex      *Flex
	presence  presence
	rates     *rateLimits
	text      textLimit
	refused   *refusedDials
	whyRates  *guests.Rates // of requests for the reason of a refused dial, by address

	ctx      context.Context // ends every socket
	stop     context.CancelCauseFunc
	draining context.Context // ends with Drain: every socket says goodbye
	drain    context.CancelFunc

	mu      sync.Mutex // held while a socket enters, and while Drain or Close begins
	running sync.WaitGroup
}

// New returns a proxy that is ready to serve, or an error that names what the
// configuration lacks. Close ends it.
func New(c Config) (*Proxy, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	list, err := parseOrigins(c.Origins)
	if err != nil {
		return nil, err
	}
	trusted, err := parseTrustedProxies(c.TrustedProxies)
	if err != nil {
		return nil, err
	}
	p := &Proxy{cfg: c, origins: list, trusted: trusted}
	p.ctx, p.stop = context.WithCancelCause(context.Background())
	p.draining, p.drain = context.WithCancel(context.Background())
	p.waiting = guests.NewLimiter(c.MaxWaiting, c.MaxWaitingAddress, true)
	p.refusals = newRefusalLog(c.Log)
	p.presence = presence{proxy: p, seats: map[string]*seat{}}
	p.rates = newRateLimits(&p.cfg)
	p.text = newTextLimit(c.TextRate, c.TextBurst)
	p.transfers = newTransfers(&p.cfg, p.rates)
	p.flex = newFlex(p)
	p.refused = newRefusedDials()
	p.whyRates = guests.NewRates(whyRate, whyBurst, whyMost)
	if c.Seats != nil {
		c.Seats.OnLost(p.presence.lost)
	}
	p.mux = http.NewServeMux()
	p.mux.HandleFunc("GET "+bridge.PathChat, p.serveChat)
	p.mux.HandleFunc("GET "+bridge.PathData, p.serveData)
	p.mux.HandleFunc("GET "+bridge.PathWhy, p.serveWhy)
	p.mux.HandleFunc("POST "+bridge.PathWhy, p.serveWhy)
	p.mux.HandleFunc(bridge.PathFile+"/{ticket}/{name...}", p.serveFile)
	return p, nil
}

// ServeHTTP answers the two sockets and the downloads.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Drain accepts no more sockets, sends every page a time after which to come back (spread
// over a few seconds, so that not all come at once), and waits for the sockets or ctx to
// end. Uploads stay as they are: the pages resume them at another proxy.
func (p *Proxy) Drain(ctx context.Context) error {
	p.mu.Lock()
	p.drain()
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { p.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends every socket at once and waits for them. Other callers of [Proxy.Transfers]
// end first.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.stop(errClosed)
	p.mu.Unlock()
	p.running.Wait()
	p.presence.close()
	p.flex.close()
	p.transfers.uploads.wait()
}

var errClosed = errors.New("the proxy is closing")

// enter counts a socket in, unless the proxy is draining or closing.
func (p *Proxy) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining.Err() != nil || p.ctx.Err() != nil {
		return false
	}
	p.running.Add(1)
	return true
}

func (p *Proxy) exit(s *socket) {
	s.cancelDrain()
	if s.expiry != nil {
		s.expiry.Stop()
	}
	if s.rate != nil {
		p.rates.exit(s)
	}
	p.running.Done()
}
