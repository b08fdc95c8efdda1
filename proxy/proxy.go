package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"

	"attache/bridge"
	"attache/proxy/guests"
)

// Proxy is the http.Handler. It answers below /attache/ and nothing else.
type Proxy struct {
	cfg       Config
	mux       *http.ServeMux
	origins   origins
	trusted   trustedProxies
	hints     hints
	waiting   *guests.Crowd // sockets that have not said who they are
	frames    *frameMemory
	refusals  *refusalLog
	fetching  places
	uploads   uploads
	presence  presence
	paces     paces
	rates     partyRates
	quotas    uploadQuotas
	refused   *refusedDials
	whyRates  *limiters // of those who ask why, by address
	used      usedTickets
	linkRates *limiters    // of links for customers, by attempt
	up, down  atomic.Int64 // what Traffic tells

	ctx     context.Context // ends every socket
	stop    context.CancelCauseFunc
	leaving context.Context // ends with Drain: every socket says goodbye
	leave   context.CancelFunc

	mu      sync.Mutex // held while a socket enters or no more may
	running sync.WaitGroup
}

// New returns a proxy that is ready to serve; an error names what the
// configuration lacks. Close it to end its sockets.
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
	p.leaving, p.leave = context.WithCancel(context.Background())
	p.waiting = guests.NewCrowd(c.MaxWaiting, c.MaxWaitingAddress, true)
	p.frames = newFrameMemory(c.FrameMemory)
	p.refusals = newRefusalLog(c.Log)
	p.fetching = places{each: c.MaxDownloads, from: map[string]int{}}
	p.uploads = uploads{proxy: p, open: map[string]*upload{}}
	p.uploads.ctx, p.uploads.giveUp = context.WithCancel(context.Background())
	p.presence = presence{proxy: p, seats: map[string]*seat{}}
	p.paces = paces{limit: rate.Limit(c.MessageRate), burst: c.MessageBurst, sockets: c.MaxSockets,
		historyRate: rate.Limit(c.HistoryRate), historyBurst: c.HistoryBurst, of: map[string]*pace{}}
	p.rates = newPartyRates(c.TextRate, c.TextBurst)
	p.quotas = uploadQuotas{proxy: p, begun: map[string]Load{}}
	p.used.uses = map[Grant]*ticketUse{}
	p.refused = newRefusedDials()
	p.whyRates = newLimiters(askersRate, askersBurst, askersMost)
	p.linkRates = newLimiters(rate.Every(attemptEvery), attemptLinks, 0)
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

// Drain takes no more sockets, tells every page when to come back (spread over
// a few seconds, so that they do not come all at once) and waits for the
// sockets to end or for ctx. Uploads are left where they are: the pages go on
// with them elsewhere.
func (p *Proxy) Drain(ctx context.Context) error {
	p.mu.Lock()
	p.leave()
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

// Close ends every socket at once and waits for them.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.stop(errClosed)
	p.mu.Unlock()
	p.running.Wait()
	p.presence.close()
	p.uploads.wait()
}

var errClosed = errors.New("the proxy is closing")

// enter counts a socket in, unless the proxy is on its way out.
func (p *Proxy) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leaving.Err() != nil || p.ctx.Err() != nil {
		return false
	}
	p.running.Add(1)
	return true
}

func (p *Proxy) exit(s *socket) {
	s.stopBye()
	if s.expiry != nil {
		s.expiry.Stop()
	}
	if s.pace != nil {
		p.paces.exit(s)
	}
	p.running.Done()
}
