package proxy

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"attache/bridge"
	"attache/proxy/guests"
)

// Config is what a proxy is made of. Fields without a default are required.
type Config struct {
	Chat      ChatServer
	Documents Documents
	Staging   Staging
	Records   Records
	Auth      Authenticator
	Tickets   Tickets

	// Origins are the page origins that may connect, exact: scheme, host and
	// port, as a browser writes them. Default: none.
	Origins []string

	// AgentLimits bind every party that is no customer; Chat Server limits
	// customers only. Default: bridge.Unlimited().
	AgentLimits *bridge.Limits

	// MaxFileSize bounds one file, in bytes, whoever sends it: what the scanner
	// looks at. 0 or bridge.NoLimit is no bound. Default: none.
	MaxFileSize int64

	// MaxFrame is the payload a frame may have, in bytes: what the staging
	// takes in one piece. Default: bridge.MaxFrame.
	MaxFrame int

	// Seats tells proxies that share an engine of each other's sockets.
	// Default: this proxy is the only one.
	Seats Seats

	// Audit is told of refused offers, of tickets and of each one's first use here,
	// before they happen. Default: nobody is.
	Audit Audit

	// DisconnectTimeout is how long a party stays in the session after its last
	// socket is gone. Default: 45 s, as Chat Server's flex-disconnect-timeout.
	DisconnectTimeout time.Duration

	// HelloTimeout is how long a socket may take to say who it is. Default: 5 s.
	HelloTimeout time.Duration

	// MessageTimeout is how long a message may take from its first byte to its
	// last, beyond the time that bridge.SlowestRate needs for what came of it, and
	// ten times as long at most. Default: 15 s.
	MessageTimeout time.Duration

	// MaxWaiting bounds the sockets that have not said who they are, in all and
	// by address. Where there are as many in all, the one that has waited longest goes;
	// from an address that has as many, no more come in. Defaults: 1024 and 64.
	MaxWaiting        int
	MaxWaitingAddress int

	// MessageRate is how many messages of one party are read a second, over all its
	// sockets here, once it has sent MessageBurst. Frames count only where they are
	// refused. Defaults: 100 and 500.
	MessageRate  float64
	MessageBurst int

	// HistoryRate is how many bytes of its session's transcript a party is sent a
	// second, over all its sockets here, once it was sent HistoryBurst: a page asks for
	// what it has not seen yet, and can ask for all of it again and again. What happens
	// while it is there does not count. Defaults: 512 KiB and 2 MiB.
	HistoryRate  float64
	HistoryBurst int

	// MaxSockets bounds the chat sockets of one party here, and its data sockets.
	// Default: 8 of each.
	MaxSockets int

	// FrameMemory bounds what frames hold that are on their way in, in bytes, of all
	// data sockets together. Default: 16 MiB.
	FrameMemory int64

	// TextRate is how many bytes a second a customer may say, over all its sockets
	// here, once it has said TextBurst; a message counts with its text and 512
	// bytes, and what is more is refused with code busy. Everybody else has eight
	// times as much. Defaults: 16 KiB and 512 KiB.
	TextRate  int
	TextBurst int

	// MaxUnfinished and MaxUnfinishedBytes bound the uploads that a customer may have
	// in a session that are not announced, by number and by the bytes they were offered
	// with; one alone may be of any size. What was taken back counts for 20 s more, as
	// long as it may lie on the disk, and a customer whose files of a session may have
	// less together has twice that for both. MaxLost bounds those of a day that were
	// cancelled or failed. Everybody else may have eight times as many, with 64 times
	// the bytes. What is more is refused with code busy. Defaults: 32, 1 GiB and 500.
	MaxUnfinished      int
	MaxUnfinishedBytes int64
	MaxLost            int

	// FrontEnds are the addresses and networks (CIDR) of TLS front ends. Of a socket
	// that comes through one, the address is the one that it names in
	// X-Forwarded-For. Default: none is believed, and one counts as one address.
	FrontEnds []string

	// TicketTime is how long a download may begin after its ticket was given, and
	// DownloadTime how long one that was cut may go on. Defaults: 10 min and 6 h.
	TicketTime, DownloadTime time.Duration

	// Credentials lets pages of the listed origins send cookies and the like along
	// with a download (Access-Control-Allow-Credentials): a front end may ask for
	// them, the proxy never looks at any. Default: off.
	Credentials bool

	// MaxDownloads bounds the downloads of one session at a time, each of which holds
	// a piece of its file. Default: 32.
	MaxDownloads int

	// PieceTimeout is how long a download may take for 32 KiB; the default, 60 s,
	// is 4 kbit/s.
	PieceTimeout time.Duration

	// Log gets one line per connection and upload. Default: discarded.
	Log *slog.Logger
}

func (c *Config) complete() error {
	if c.Chat == nil || c.Documents == nil || c.Staging == nil || c.Records == nil || c.Auth == nil || c.Tickets == nil {
		return errors.New("a proxy needs Chat, Documents, Staging, Records, Auth and Tickets")
	}
	if c.AgentLimits == nil {
		unlimited := bridge.Unlimited()
		c.AgentLimits = &unlimited
	}
	if c.MaxFrame == 0 {
		c.MaxFrame = bridge.MaxFrame
	}
	if c.DisconnectTimeout == 0 {
		c.DisconnectTimeout = 45 * time.Second
	}
	if c.HelloTimeout == 0 {
		c.HelloTimeout = 5 * time.Second
	}
	if c.MessageTimeout == 0 {
		c.MessageTimeout = 15 * time.Second
	}
	if c.MaxWaiting == 0 {
		c.MaxWaiting = 1024
	}
	if c.MaxWaitingAddress == 0 {
		c.MaxWaitingAddress = 64
	}
	if c.MessageRate == 0 {
		c.MessageRate = 100
	}
	if c.MessageBurst == 0 {
		c.MessageBurst = 500
	}
	if c.HistoryRate == 0 {
		c.HistoryRate = 512 << 10
	}
	if c.HistoryBurst == 0 {
		c.HistoryBurst = 2 << 20
	}
	if c.MaxSockets == 0 {
		c.MaxSockets = 8
	}
	if c.FrameMemory == 0 {
		c.FrameMemory = 16 << 20
	}
	if c.TextRate == 0 {
		c.TextRate = 16 << 10
	}
	if c.TextBurst == 0 {
		c.TextBurst = 512 << 10
	}
	if c.MaxUnfinished == 0 {
		c.MaxUnfinished = 32
	}
	if c.MaxUnfinishedBytes == 0 {
		c.MaxUnfinishedBytes = 1 << 30
	}
	if c.MaxLost == 0 {
		c.MaxLost = 500
	}
	if c.TicketTime == 0 {
		c.TicketTime = 10 * time.Minute
	}
	if c.DownloadTime == 0 {
		c.DownloadTime = 6 * time.Hour
	}
	if c.MaxDownloads == 0 {
		c.MaxDownloads = 32
	}
	if c.PieceTimeout == 0 {
		c.PieceTimeout = time.Minute
	}
	if c.Audit == nil {
		c.Audit = noAudit{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Proxy is the http.Handler. It answers below /attache/ and nothing else.
type Proxy struct {
	Config
	mux      *http.ServeMux
	origins  origins
	fronts   fronts
	waiting  *guests.Crowd // sockets that have not said who they are
	room     *room
	quiet    *quiet
	fetching places
	uploads  uploads
	presence presence
	paces    paces
	budgets  budgets
	loads    loads
	turned   *turnedAway
	askers   askers
	used     usedTickets
	asked    askedAttempts
	up, down atomic.Int64 // what Traffic tells

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
	fronts, err := parseFronts(c.FrontEnds)
	if err != nil {
		return nil, err
	}
	p := &Proxy{Config: c, origins: list, fronts: fronts}
	p.ctx, p.stop = context.WithCancelCause(context.Background())
	p.leaving, p.leave = context.WithCancel(context.Background())
	p.waiting = guests.NewCrowd(c.MaxWaiting, c.MaxWaitingAddress, true)
	p.room = newRoom(c.FrameMemory)
	p.quiet = newQuiet(c.Log)
	p.fetching = places{total: math.MaxInt, each: c.MaxDownloads, from: map[string]int{}}
	p.uploads = uploads{proxy: p, open: map[string]*upload{}}
	p.uploads.ctx, p.uploads.giveUp = context.WithCancel(context.Background())
	p.presence = presence{proxy: p, seats: map[string]*seat{}}
	p.paces = paces{limit: rate.Limit(c.MessageRate), burst: c.MessageBurst, sockets: c.MaxSockets,
		historyRate: rate.Limit(c.HistoryRate), historyBurst: c.HistoryBurst, of: map[string]*pace{}}
	p.budgets = budgets{rate: float64(c.TextRate), burst: float64(c.TextBurst), of: map[string]*budget{}}
	p.loads = loads{proxy: p, begun: map[string]Load{}}
	p.used.kept = map[Grant]*ticketUse{}
	p.turned = newTurnedAway()
	p.asked.of = map[string]*askedAttempt{}
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
	s.stay()
	if s.expiry != nil {
		s.expiry.Stop()
	}
	if s.pace != nil {
		p.paces.exit(s)
	}
	p.running.Done()
}
