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

// paces bound what a party may use of the proxy: how fast its messages are read, how
// many sockets it has, how often it connects and how much history it is sent, so that
// one page cannot keep the chat and the store from all others. A party that sends
// faster waits and is not refused; one that floods loses its socket, and waits longer
// each time before it is served again.
type paces struct {
	limit   rate.Limit // messages a second
	burst   int        // at once, before that
	sockets int        // of each kind

	historyRate  rate.Limit // bytes of the transcript a second
	historyBurst int        // at once, before that

	mu sync.Mutex
	of map[string]*pace // by seat
}

// pace is one party's, over all its sockets here.
type pace struct {
	*rate.Limiter
	heard   atomic.Int64  // when a byte came on any of its sockets
	comes   *rate.Limiter // sockets
	history *rate.Limiter // bytes
	proven  atomic.Bool   // it has sent a whole frame of a file
	here    map[*socket]struct{}
	visits  int       // requests besides
	strikes int       // how often it was put out of late
	served  time.Time // not before
	rest    *time.Timer
}

// What a party may do besides sending messages.
const (
	comeRate, comeBurst = 5, 60 // sockets a second, and at once before that

	historyEvent = 512 // bytes that an event of the transcript costs at least

	strikeTime = time.Second // the first wait, doubled with each
	strikeMost = time.Minute
	strikeLast = 5 * time.Minute // after so long a strike is forgotten

	deadTime = pingEvery + 5*time.Second // a socket that was not heard so long makes room for another
)

// enter counts a socket in: code busy if the party has too many already. A party that
// comes back finds its pace as it left it.
func (p *paces) enter(s *socket) (*pace, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.get(s.who.seat())
	if err := of.makeRoom(s.path, p.sockets); err != nil {
		p.leave(s.who.seat(), of)
		return nil, err
	}
	of.here[s] = struct{}{}
	return of, nil
}

// visit counts a request in that is not a socket; leave counts it out.
func (p *paces) visit(who Identity) (of *pace, leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of = p.get(who.seat())
	of.visits++
	return of, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		of.visits--
		p.leave(who.seat(), of)
	}
}

func (p *paces) get(seat string) *pace {
	of := p.of[seat]
	if of == nil {
		of = &pace{
			Limiter: rate.NewLimiter(p.limit, p.burst), comes: rate.NewLimiter(comeRate, comeBurst),
			history: rate.NewLimiter(p.historyRate, p.historyBurst), here: map[*socket]struct{}{},
		}
		p.of[seat] = of
	}
	if of.rest != nil {
		of.rest.Stop()
		of.rest = nil
	}
	return of
}

// makeRoom makes room for one more socket of that kind: a page that comes back over
// another network may have left dead sockets that have not been noticed yet.
func (of *pace) makeRoom(path string, most int) error {
	n := 0
	var dead *socket
	for s := range of.here {
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
		delete(of.here, dead)
		dead.meter.cut()
		return nil
	}
	return bridge.NewError(bridge.CodeBusy, fmt.Sprintf("this party has %d sockets of this kind open, the most it may have", n))
}

// admit waits until the party may be served: code busy when that takes too long.
func (p *paces) admit(ctx context.Context, of *pace) error {
	p.mu.Lock()
	wait := time.Until(of.served)
	p.mu.Unlock()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return bridge.NewError(bridge.CodeBusy, fmt.Sprintf("this party sent too much; it is served again in %.0f s", max(1, time.Until(of.servedAt(p)).Seconds())))
		}
	}
	if err := of.comes.Wait(ctx); err != nil {
		return bridge.NewError(bridge.CodeBusy, "this party connects too often")
	}
	return nil
}

func (of *pace) servedAt(p *paces) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return of.served
}

// exit counts a socket out. If it was closed for a flood, its party has to wait.
func (p *paces) exit(s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := s.pace
	delete(of.here, s)
	if s.meter.flooded.Load() {
		of.strike(time.Now())
	}
	p.leave(s.who.seat(), of)
}

// leave keeps the pace of a party that has nothing open here any more, until it would
// be as good as a new one.
func (p *paces) leave(seat string, of *pace) {
	if len(of.here)+of.visits > 0 || of.rest != nil {
		return
	}
	full := max(float64(p.burst)/float64(p.limit), float64(p.historyBurst)/float64(p.historyRate))
	rest := max(time.Duration(full*float64(time.Second)), time.Until(of.served.Add(strikeLast)))
	of.rest = time.AfterFunc(rest, func() { p.drop(seat, of) })
}

func (of *pace) strike(now time.Time) {
	if now.Sub(of.served) > strikeLast {
		of.strikes = 0
	}
	of.served = now.Add(min(strikeTime<<of.strikes, strikeMost))
	of.strikes = min(of.strikes+1, 10)
}

func (p *paces) drop(seat string, of *pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(of.here)+of.visits == 0 && p.of[seat] == of {
		delete(p.of, seat)
	}
}

// charge waits for n messages' worth.
func (of *pace) charge(ctx context.Context, n int) error {
	return of.WaitN(ctx, min(n, of.Burst()))
}

// replay waits until size bytes of history may be sent.
func (of *pace) replay(ctx context.Context, size int) error {
	return of.history.WaitN(ctx, min(max(size, historyEvent), of.history.Burst()))
}

// What a message costs beyond one for bytes around it that belong to no message, and
// what a frame costs for being small, because the store writes and reads each one by
// itself. A page's frames are 16 KiB and more, unless its link is so slow that one takes
// half a second; and never less than [bridge.MinFrame], except for a file's last one.
const (
	overheadFree = 64  // bytes on the wire beyond the message
	overheadCost = 128 // and bytes that count as a message

	fullFrame = 8 << 10 // bytes of payload, from which on a frame costs nothing but itself
	slowCost  = 2       // messages that a smaller one counts as
	tinyCost  = 50      // and one that no page sends
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
