// Package oracle is a page that shares no code with the client: it speaks the protocol
// by itself, so that a fault of the client's own protocol is noticed.
// It does only what a sender does: it joins a chat session, comes back after every cut,
// and sends files. It is small because it is patient: it retries after every temporary failure.
package oracle

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"attache/bridge"
	"attache/wasm/page"
)

// Page is one party's page. Its methods may be called by several goroutines.
type Page struct {
	o      page.Options
	ctx    context.Context
	cancel context.CancelFunc
	run    sync.WaitGroup

	mu       sync.Mutex
	position int64
	chat     *line
	address  string // of the proxy that chat leads to
	changed  chan struct{}
	data     *dataLine
	dialing  sync.Mutex
	uploads  map[string]*box
	reminded map[string]int64 // accepted uploads that were asked about since, and their sizes
	sights   map[sightKey]*page.Sight
	order    []sightKey
}

type sightKey struct {
	id  int64
	key string
}

// Open begins to connect and returns at once.
func Open(o page.Options) *Page {
	p := &Page{
		o: o, changed: make(chan struct{}), uploads: map[string]*box{}, reminded: map[string]int64{}, sights: map[sightKey]*page.Sight{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.run.Go(p.live)
	return p
}

// Close ends the page as a closed tab does: without sending anything.
func (p *Page) Close() {
	p.cancel()
	p.Cut()
	p.run.Wait()
}

// Cut cuts both sockets. The page comes back by itself.
func (p *Page) Cut() {
	p.mu.Lock()
	chat, data := p.chat, p.data
	p.mu.Unlock()
	if chat != nil {
		chat.cut()
	}
	if data != nil {
		data.cut()
	}
}

// Sights returns the events that came, in the order of their first coming.
func (p *Page) Sights() []page.Sight {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]page.Sight, len(p.order))
	for i, id := range p.order {
		all[i] = *p.sights[id]
	}
	return all
}

// CatchUp waits until the page has that event or a later one.
func (p *Page) CatchUp(ctx context.Context, id int64) error {
	return p.until(ctx, func() bool { return p.position >= id })
}

// End ends the chat session for all parties.
func (p *Page) End(ctx context.Context) error {
	chat, _, err := p.joined(ctx)
	if err != nil {
		return err
	}
	if err := chat.send(ctx, &bridge.Leave{Ref: 1, After: bridge.ForceClose}); err != nil {
		return err
	}
	select {
	case <-chat.down:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// live holds a chat socket open until the page closes.
func (p *Page) live() {
	for try := 0; p.ctx.Err() == nil; try++ {
		if try > 0 && !pause(p.ctx, try) {
			return
		}
		if p.visit() {
			try = 0
		}
	}
}

// visit connects, and reads until the socket is cut; it reports whether the
// proxy let the page in.
func (p *Page) visit() bool {
	p.mu.Lock()
	position := p.position
	p.mu.Unlock()
	address := p.o.Address()
	l, first, err := p.dial(p.ctx, address, bridge.PathChat, bridge.Hello{Position: position})
	if err != nil {
		return false
	}
	defer p.lost(l)
	if _, ok := first.(*bridge.Welcome); !ok {
		return false
	}
	p.mu.Lock()
	p.chat, p.address = l, address
	p.signal()
	p.mu.Unlock()
	for {
		m, err := l.read(p.ctx)
		if err != nil {
			return true
		}
		p.take(m)
	}
}

func (p *Page) lost(l *line) {
	l.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chat = nil
	p.signal()
}

// signal wakes until; the caller holds mu.
func (p *Page) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// take sorts a message of the chat socket.
func (p *Page) take(m bridge.Wire) {
	switch m := m.(type) {
	case *bridge.EventAdded:
		p.see(m.Event)
	case *bridge.Accept:
		if !p.post(m.Key, m) {
			p.asked(m)
		}
	case *bridge.Upload:
		p.o.Heard(m.Key, m)
		p.post(m.Key, m)
	case *bridge.Fail:
		if m.Key == "" {
			return
		}
		p.hearRefusal(m)
		p.post(m.Key, m)
	}
}

// hearRefusal reports an upload that is refused for good.
func (p *Page) hearRefusal(m *bridge.Fail) {
	if !m.Error.Retry {
		p.o.Heard(m.Key, &bridge.Upload{Key: m.Key, State: bridge.Failed, Error: &m.Error})
	}
}

// asked handles that the proxy wants bytes of a file that this page is not sending. In
// the answer to an offer from before the acceptance it may; in the answer to a reminder
// it may not.
func (p *Page) asked(m *bridge.Accept) {
	p.mu.Lock()
	size, reminded := p.reminded[m.Key]
	p.mu.Unlock()
	if reminded && m.Offset < size {
		p.o.Asked(m.Key)
	}
}

func (p *Page) see(e bridge.Event) {
	key := sightKey{e.ID, e.Key}
	p.mu.Lock()
	s, again := p.sights[key]
	if again {
		s.Times++
	} else {
		p.sights[key] = &page.Sight{Event: e, Times: 1}
		p.order = append(p.order, key)
	}
	p.position = max(p.position, e.ID)
	p.signal()
	p.mu.Unlock()
	if !again {
		p.o.Saw(e)
	}
}

// post reports whether the upload is still on its way from here.
func (p *Page) post(key string, m bridge.Wire) bool {
	p.mu.Lock()
	b := p.uploads[key]
	p.mu.Unlock()
	if b != nil {
		b.put(m)
	}
	return b != nil
}

// until waits for a state of the page under mu.
func (p *Page) until(ctx context.Context, is func() bool) error {
	for {
		p.mu.Lock()
		ok, changed := is(), p.changed
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
}

// joined waits for the chat socket.
func (p *Page) joined(ctx context.Context) (l *line, address string, err error) {
	err = p.until(ctx, func() bool {
		l, address = p.chat, p.address
		return l != nil
	})
	return l, address, err
}

// The pause before the next attempt doubles; each page waits a random part of it.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

func pause(ctx context.Context, try int) bool {
	d := min(firstPause<<min(try-1, 10), lastPause)
	t := time.NewTimer(d/2 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
