package proxy

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"attache/bridge"
)

// rateLimits bound how much of the proxy a party may use: how fast its messages are
// read, how many sockets it has, how often it connects and how much history it is sent,
// so that one page cannot keep the chat and the store from all others. A party that
// sends faster waits and is not refused; one that floods loses its socket, and waits
// longer each time before it is served again.
type rateLimits struct {
	messageRate  rate.Limit // a second
	messageBurst int        // at once, before that
	sockets      int        // of each kind

	historyRate  rate.Limit // bytes of the transcript a second
	historyBurst int        // at once, before that

	mu      sync.Mutex
	byParty map[string]*rateLimit // by seat
}

// rateLimit is one party's, over all its sockets here.
type rateLimit struct {
	*rate.Limiter               // of messages
	connects      *rate.Limiter // of sockets
	history       *rate.Limiter // of bytes
	heard         atomic.Int64  // when a byte came on any of its sockets
	proven        atomic.Bool   // it has sent a whole frame of a file
	open          map[*socket]struct{}
	visits        int       // requests that are not sockets
	strikes       int       // how often it flooded lately
	served        time.Time // not before
	expiry        *time.Timer
}

// What a party may do besides sending messages.
const (
	connectRate, connectBurst = 5, 60 // sockets a second, and at once before that

	historyEvent = 512 // bytes that an event of the transcript costs at least

	strikeTime = time.Second // the first wait, doubled with each strike
	strikeMost = time.Minute
	strikeLast = 5 * time.Minute // after so long a strike is forgotten

	deadTime = pingEvery + 5*time.Second // a socket that was silent for so long gives way to another
)

func newRateLimits(c *Config) *rateLimits {
	return &rateLimits{
		messageRate: rate.Limit(c.MessageRate), messageBurst: c.MessageBurst, sockets: c.MaxSockets,
		historyRate: rate.Limit(c.HistoryRate), historyBurst: c.HistoryBurst, byParty: map[string]*rateLimit{},
	}
}

// enter counts a socket in: code busy if the party has too many already. A party that
// comes back has the limits that it had when it left.
func (r *rateLimits) enter(s *socket) (*rateLimit, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.get(s.who.seat())
	if err := l.admitSocket(s.path, r.sockets); err != nil {
		r.leave(s.who.seat(), l)
		return nil, err
	}
	l.open[s] = struct{}{}
	return l, nil
}

// visit counts a request in that is not a socket; leave counts it out.
func (r *rateLimits) visit(who Identity) (l *rateLimit, leave func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l = r.get(who.seat())
	l.visits++
	return l, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		l.visits--
		r.leave(who.seat(), l)
	}
}

func (r *rateLimits) get(seat string) *rateLimit {
	l := r.byParty[seat]
	if l == nil {
		l = &rateLimit{
			Limiter: rate.NewLimiter(r.messageRate, r.messageBurst), connects: rate.NewLimiter(connectRate, connectBurst),
			history: rate.NewLimiter(r.historyRate, r.historyBurst), open: map[*socket]struct{}{},
		}
		r.byParty[seat] = l
	}
	if l.expiry != nil {
		l.expiry.Stop()
		l.expiry = nil
	}
	return l
}

// admitSocket admits one more socket of that kind, if need be by cutting a dead one: a
// page that comes back over another network may have left dead sockets that have not
// been noticed yet.
func (l *rateLimit) admitSocket(path string, most int) error {
	n := 0
	var dead *socket
	for s := range l.open {
		if s.path != path {
			continue
		}
		n++
		if s.meter.liveness.silence() > deadTime && (dead == nil || s.meter.liveness.silence() > dead.meter.liveness.silence()) {
			dead = s
		}
	}
	switch {
	case n < most:
		return nil
	case dead != nil:
		delete(l.open, dead)
		dead.meter.cut()
		return nil
	}
	return bridge.NewError(bridge.CodeBusy, fmt.Sprintf("this party has %d sockets of this kind open, the most it may have", n))
}

// admit waits until the party may be served: code busy when that takes too long.
func (r *rateLimits) admit(ctx context.Context, l *rateLimit) error {
	r.mu.Lock()
	wait := time.Until(l.served)
	r.mu.Unlock()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return bridge.NewError(bridge.CodeBusy, fmt.Sprintf("this party sent too much; it is served again in %.0f s", max(1, time.Until(r.servedAt(l)).Seconds())))
		}
	}
	if err := l.connects.Wait(ctx); err != nil {
		return bridge.NewError(bridge.CodeBusy, "this party connects too often")
	}
	return nil
}

func (r *rateLimits) servedAt(l *rateLimit) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return l.served
}

// exit counts a socket out. If it was closed for a flood, its party has to wait.
func (r *rateLimits) exit(s *socket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := s.rate
	delete(l.open, s)
	if s.meter.flooded.Load() {
		l.strike(time.Now())
	}
	r.leave(s.who.seat(), l)
}

// leave retains the limits of a party that has nothing open here any more, until they are
// the same as new ones.
func (r *rateLimits) leave(seat string, l *rateLimit) {
	if len(l.open)+l.visits > 0 || l.expiry != nil {
		return
	}
	full := max(float64(r.messageBurst)/float64(r.messageRate), float64(r.historyBurst)/float64(r.historyRate))
	kept := max(time.Duration(full*float64(time.Second)), time.Until(l.served.Add(strikeLast)))
	l.expiry = time.AfterFunc(kept, func() { r.forget(seat, l) })
}

func (l *rateLimit) strike(now time.Time) {
	if now.Sub(l.served) > strikeLast {
		l.strikes = 0
	}
	l.served = now.Add(min(strikeTime<<l.strikes, strikeMost))
	l.strikes = min(l.strikes+1, 10)
}

func (r *rateLimits) forget(seat string, l *rateLimit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(l.open)+l.visits == 0 && r.byParty[seat] == l {
		delete(r.byParty, seat)
	}
}

// charge waits for n messages' worth.
func (l *rateLimit) charge(ctx context.Context, n int) error {
	return l.WaitN(ctx, min(n, l.Burst()))
}

// replay waits until size bytes of history may be sent.
func (l *rateLimit) replay(ctx context.Context, size int) error {
	return l.history.WaitN(ctx, min(max(size, historyEvent), l.history.Burst()))
}

// What a message costs beyond one for bytes around it that belong to no message, and
// what a frame costs for being small, because the store writes and reads each one by
// itself. A page's frames are 16 KiB and more, unless its link is so slow that one takes
// half a second; and never less than [bridge.MinFrame], except for a file's last one.
const (
	overheadFree = 64  // bytes on the wire beyond the message
	overheadCost = 128 // and bytes that count as a message

	fullFrame = 8 << 10 // bytes of payload from which on a frame costs nothing but itself
	slowCost  = 2       // messages that a smaller one counts as
	tinyCost  = 50      // and a frame of a size that no page sends
)

func overhead(spent int64) int { return int(max(0, spent-overheadFree) / overheadCost) }

func small(payload int) int {
	switch {
	case payload < bridge.MinFrame:
		return tinyCost
	case payload < fullFrame:
		return slowCost
	}
	return 0
}
