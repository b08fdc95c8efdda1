package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"attache/bridge"
)

// The load that the vendor's manual (Chat Server 8.1.4) recommends as the most for a host of
// two processors: 500 sessions, 50 messages and 10 new sessions a second.
const (
	vendorSessions = 500
	vendorMessages = 50
	vendorNew      = 10
	vendorLatest   = 100 // ms, p99 of a message until the other party has it
)

// rates measures messages under that load for two minutes, and then under multiples of it.
func (l *lab) rates(ctx context.Context) ([]row, []runner, error) {
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	d := &desk{product: p, sent: map[string]time.Time{}}
	defer d.close()
	for range vendorSessions {
		if err := d.open(ctx); err != nil {
			return nil, nil, fmt.Errorf("open %d sessions: %w", vendorSessions, err)
		}
	}
	const published = 2 * time.Minute
	first, err := d.load(ctx, 1, l.time(published))
	if err != nil {
		return nil, nil, err
	}
	rows := []row{{
		Measured: fmt.Sprintf("a message until the other party has it, p99, with %d sessions, %d messages and %d new sessions a second for %v",
			vendorSessions, vendorMessages, vendorNew, l.time(published).Truncate(time.Second)),
		Against: "–", Judged: figureOf(" ms", []float64{percentile(first, 99)}), Target: atMost(vendorLatest),
		Note: fmt.Sprintf("the most that the vendor's manual recommends for two processors; sender and receiver share the machine; %d messages, p50 %.1f ms", len(first), percentile(first, 50)),
	}}
	held := 0.0
	var steps []string
	for _, times := range []int{2, 4, 6, 8, 10, 12, 16} {
		took, err := d.load(ctx, times, l.time(20*time.Second))
		late := percentile(took, 99)
		steps = append(steps, fmt.Sprintf("%d×: %.0f ms", times, late))
		if err != nil || late > vendorLatest {
			break
		}
		held = float64(times)
	}
	return append(rows, row{
		Measured: "highest multiple of that rate whose p99 is at most 100 ms", Against: "the vendor's",
		Judged: figureOf("×", []float64{held}), Stretch: atLeast(10),
		Note: "messages and new sessions, each for 20 s; p99 of each: " + strings.Join(steps, ", "),
	}), nil, nil
}

// time shortens a load for a run of few rounds.
func (l *lab) time(full time.Duration) time.Duration {
	return min(full, max(5*time.Second, full*time.Duration(l.rounds)/9))
}

// desk is many sessions with an agent and a customer each.
type desk struct {
	product *product
	opened  atomic.Int64
	reading sync.WaitGroup

	mu       sync.Mutex
	sessions []*conversation
	sent     map[string]time.Time // by text
	took     []float64            // ms
	failed   error
}

type conversation struct{ agent, customer *websocket.Conn }

// open opens a session.
func (d *desk) open(ctx context.Context) error {
	name := fmt.Sprintf("rate-%d", d.opened.Add(1))
	agent, err := d.join(ctx, name, "agent", bridge.Agent)
	if err != nil {
		return err
	}
	customer, err := d.join(ctx, name, "customer", bridge.Client)
	if err != nil {
		agent.CloseNow()
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions = append(d.sessions, &conversation{agent, customer})
	return nil
}

func (d *desk) join(ctx context.Context, session, party string, kind bridge.UserType) (*websocket.Conn, error) {
	conn, err := d.product.joinIdle(ctx, session, party, kind)
	if err != nil {
		return nil, err
	}
	d.reading.Go(func() {
		defer conn.CloseNow()
		for {
			_, text, err := conn.Read(ctx)
			if err != nil {
				return
			}
			d.heard(text, party)
		}
	})
	return conn, nil
}

// heard notes when a message has reached the party that did not send it.
func (d *desk) heard(text []byte, party string) {
	at := time.Now()
	m, err := bridge.FromProxy(text)
	if err != nil {
		return
	}
	switch m := m.(type) {
	case *bridge.EventAdded:
		d.mu.Lock()
		defer d.mu.Unlock()
		if sent, ok := d.sent[m.Event.Text]; ok && m.Event.From.UserID != party {
			d.took = append(d.took, at.Sub(sent).Seconds()*1000)
			delete(d.sent, m.Event.Text)
		}
	case *bridge.Fail:
		d.mu.Lock()
		defer d.mu.Unlock()
		d.failed = errors.Join(d.failed, &m.Error)
	}
}

// load sends messages and replaces sessions, by the clock, and returns how long each message
// took.
func (d *desk) load(ctx context.Context, times int, length time.Duration) ([]float64, error) {
	var work sync.WaitGroup
	end := time.Now().Add(length)
	every := func(perSecond int, do func(i int)) {
		work.Go(func() {
			begun := time.Now()
			for i := 0; ; i++ {
				at := begun.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
				if at.After(end) || ctx.Err() != nil {
					return
				}
				time.Sleep(time.Until(at))
				do(i)
			}
		})
	}
	every(vendorMessages*times, func(int) { d.say(ctx) })
	every(vendorNew*times, func(int) { work.Go(func() { d.replace(ctx) }) })
	work.Wait()
	for late := time.Now().Add(10 * time.Second); time.Now().Before(late) && d.waiting() > 0; {
		time.Sleep(10 * time.Millisecond)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	took, err := d.took, d.failed
	if n := len(d.sent); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d messages have not arrived after 10 s", n))
	}
	d.took, d.failed, d.sent = nil, nil, map[string]time.Time{}
	return took, err
}

func (d *desk) waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.sent)
}

// say sends a message in a session that is chosen at random.
func (d *desk) say(ctx context.Context) {
	key := fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())
	d.mu.Lock()
	chosen := d.sessions[rand.IntN(len(d.sessions))]
	conn := chosen.agent
	if rand.IntN(2) == 0 {
		conn = chosen.customer
	}
	d.sent[key] = time.Now()
	d.mu.Unlock()
	say := bridge.AppendMessage(nil, &bridge.Say{Ref: 1, Key: key, Text: key})
	if err := conn.Write(ctx, websocket.MessageText, say); err != nil {
		d.mu.Lock()
		d.failed = errors.Join(d.failed, err)
		d.mu.Unlock()
	}
}

// replace opens a session and ends the oldest.
func (d *desk) replace(ctx context.Context) {
	if err := d.open(ctx); err != nil {
		d.mu.Lock()
		d.failed = errors.Join(d.failed, err)
		d.mu.Unlock()
		return
	}
	d.mu.Lock()
	old := d.sessions[0]
	d.sessions = d.sessions[1:]
	d.mu.Unlock()
	// What was said there last is on its way for a moment.
	time.AfterFunc(time.Second, func() { old.agent.CloseNow(); old.customer.CloseNow() })
}

func (d *desk) close() {
	d.mu.Lock()
	for _, s := range d.sessions {
		s.agent.CloseNow()
		s.customer.CloseNow()
	}
	d.mu.Unlock()
	d.reading.Wait()
}
