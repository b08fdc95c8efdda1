//go:build !js

// Package page speaks the protocol as the browser's module does, in Go: it
// joins a chat session, comes back after every cut, and sends and fetches files.
//
//	p := page.Open(page.Options{Address: address, Token: token, Origin: origin})
//	defer p.Close()
//	err := p.Send(ctx, &page.Upload{Key: key, Name: "a.bin", Content: content})
//
// It trusts nothing: what it was sent stands in [Page.Sights] as it came, how
// often each event came included, and an upload notes whatever the proxy took
// back. Whether that is right is judged by whoever drives it.
package page

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"attache/bridge"
)

// Options say where a page connects and as whom.
type Options struct {
	Address func() string // of a proxy, http://host:port; asked at each connect
	Token   string
	Origin  string
	Module  bool // bears refusals no longer than the browser's module does; otherwise all that may pass are borne
	// Heard is called for each upload of this page that changes, once for each
	// message; one that is refused for good has failed. It must not wait.
	Heard func(key string, m *bridge.Upload)
	// Asked is called when bytes of an upload are asked for that this page is
	// done with. May be nil.
	Asked func(key string)
	// Saw is called for each event the first time that it comes.
	Saw func(e bridge.Event)
}

// Sight is an event as the page got it.
type Sight struct {
	Event bridge.Event
	Times int // how often it came; a page asks for what it does not have only
}

// sighting tells events apart: one of another session may have the same id.
type sighting struct {
	id  int64
	key string
}

// Page is one party's page. Its methods may be called by several goroutines.
type Page struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	run    sync.WaitGroup

	mu       sync.Mutex
	position int64
	reached  int64 // the session's last event at the latest welcome
	chat     *line
	address  string // of the proxy that chat leads to
	changed  chan struct{}
	data     *dataLine
	dialing  sync.Mutex
	uploads  map[string]*box
	reminded map[string]int64 // uploads that were accepted, and asked about since
	asks     map[int64]*box
	ref      int64
	sights   map[sighting]*Sight
	order    []sighting
	cuts     int
	refused  error
}

// Open begins to connect and returns at once.
func Open(o Options) *Page {
	p := &Page{
		o: o, changed: make(chan struct{}), uploads: map[string]*box{}, reminded: map[string]int64{}, asks: map[int64]*box{}, sights: map[sighting]*Sight{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.run.Go(p.live)
	return p
}

// Close goes away as a closed tab does: without a word.
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

// Cuts is how often the chat socket was lost.
func (p *Page) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// Proxy is the address of the one that the page is connected to; empty: to none.
func (p *Page) Proxy() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.chat == nil {
		return ""
	}
	return p.address
}

// AwaitCut waits until the chat socket has been lost more often than that.
func (p *Page) AwaitCut(ctx context.Context, cuts int) error {
	return p.until(ctx, func() bool { return p.cuts > cuts })
}

// Sights returns the events that came, in the order of their first coming.
func (p *Page) Sights() []Sight {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Sight, len(p.order))
	for i, id := range p.order {
		all[i] = *p.sights[id]
	}
	return all
}

// live keeps the chat socket until the page closes.
func (p *Page) live() {
	for try := 0; p.ctx.Err() == nil; try++ {
		if try > 0 && !pause(p.ctx, backOff(try)) {
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
	welcome, ok := first.(*bridge.Welcome)
	if err != nil || !ok {
		p.mu.Lock()
		p.refused = err
		p.mu.Unlock()
		return false
	}
	defer p.lost(l)
	p.mu.Lock()
	p.chat, p.address, p.reached = l, address, welcome.Position
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
	p.cuts++
	p.signal()
}

// signal wakes whoever waits for the page to change; the caller holds mu.
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
		if p.o.Heard != nil {
			p.o.Heard(m.Key, m)
		}
		p.post(m.Key, m)
	case *bridge.Ticket:
		p.answer(m.Ref, m)
	case *bridge.Done:
		p.answer(m.Ref, m)
	case *bridge.Fail:
		switch {
		case m.Key != "":
			if p.o.Heard != nil && !m.Error.Retry {
				p.o.Heard(m.Key, &bridge.Upload{Key: m.Key, State: bridge.Failed, Error: &m.Error})
			}
			p.post(m.Key, m)
		case m.Ref != 0:
			p.answer(m.Ref, m)
		}
	}
}

// asked is told of bytes that are asked for though nothing is on its way. The
// answer to an offer that was overtaken may say so; that to a reminder may not.
func (p *Page) asked(m *bridge.Accept) {
	p.mu.Lock()
	size, reminded := p.reminded[m.Key]
	p.mu.Unlock()
	if reminded && m.Offset < size && p.o.Asked != nil {
		p.o.Asked(m.Key)
	}
}

func (p *Page) see(e bridge.Event) {
	which := sighting{e.ID, e.Key}
	p.mu.Lock()
	s, again := p.sights[which]
	if again {
		s.Times++
	} else {
		p.sights[which] = &Sight{Event: e, Times: 1}
		p.order = append(p.order, which)
	}
	p.position = max(p.position, e.ID)
	p.signal()
	p.mu.Unlock()
	if !again && p.o.Saw != nil {
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

func (p *Page) answer(ref int64, m bridge.Wire) {
	p.mu.Lock()
	b := p.asks[ref]
	p.mu.Unlock()
	if b != nil {
		b.put(m)
	}
}

// Position waits until the page has everything that the session held when the
// page last joined, and returns the last event's id.
func (p *Page) Position(ctx context.Context) (int64, error) {
	err := p.until(ctx, func() bool { return p.chat != nil && p.position >= p.reached })
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position, err
}

// CatchUp waits until the page has that event or a later one.
func (p *Page) CatchUp(ctx context.Context, id int64) error {
	return p.until(ctx, func() bool { return p.position >= id })
}

// until waits for what is asked of the page's state under mu.
func (p *Page) until(ctx context.Context, is func() bool) error {
	for {
		p.mu.Lock()
		ok, changed, refused := is(), p.changed, p.refused
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), refused)
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

// The pause before the next attempt: it doubles, and each page takes another
// part of it.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

func backOff(try int) time.Duration {
	d := min(firstPause<<min(try-1, 10), lastPause)
	return d/2 + rand.N(d/2)
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
