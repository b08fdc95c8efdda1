//go:build !js

// Package page is a browser's page without a browser: a host of wasm/client over real
// sockets, so that tests of the proxy use the client that ships. It joins a chat
// session, comes back after every cut, and sends and fetches files.
//
//	p := page.Open(page.Options{Address: address, Token: token, Origin: origin})
//	defer p.Close()
//	err := p.Send(ctx, &page.Upload{Key: key, Name: "a.bin", Content: content})
//
// It also watches the sockets and trusts neither end: [Page.Sights] has each event as
// it was sent, and how often, and an [Upload] records what the proxy may not do. The
// caller decides whether that is right.
package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"attache/bridge"
	"attache/wasm/client"
)

// Options say where a page connects and as whom.
type Options struct {
	Address func() string // of a proxy, http://host:port; called for each connection
	Token   string
	Origin  string
	// Module makes an upload fail when the browser's module makes it fail. Otherwise
	// an upload that fails for a temporary reason is sent again, as a patient person
	// would.
	Module bool
	// Heard is called for each upload of this page that changes, once for each message of
	// the proxy; one that is refused for good has failed. It must not wait. May be nil.
	Heard func(key string, m *bridge.Upload)
	// Asked is called when the proxy, asked about an accepted upload, wants bytes of it.
	// May be nil.
	Asked func(key string)
	// Saw is called for each event the first time that it comes. It must not wait. May be
	// nil.
	Saw func(e bridge.Event)
}

// Page is one party's page. Its methods may be called on any goroutine; the client has
// one of its own.
type Page struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	run    sync.WaitGroup
	loop   *loop
	begun  time.Time
	closed sync.Once

	// On the loop only.
	client  *client.Client
	session *client.Session
	calls   map[int64]func(client.Word, string)
	last    int64       // call
	tries   int         // to connect
	wake    *time.Timer // may be nil

	mu      sync.Mutex
	sockets map[*socket]bool
	chat    *socket // once it is welcomed
	address string  // of the proxy that the chat socket leads to
	cuts    int
	reached int64 // the session's last event at the latest welcome
	sights  sights
	sending map[string]*sending
	fault   error // why the page is not connected
	changed chan struct{}
	ended   error         // why gone is closed
	gone    chan struct{} // closed when the session has ended
}

// handle is the session's; a page has one.
const handle = 1

// Open begins to connect and returns at once.
func Open(o Options) *Page {
	p := &Page{
		o: o, loop: newLoop(), begun: time.Now(), calls: map[int64]func(client.Word, string){},
		sockets: map[*socket]bool{}, sights: newSights(), sending: map[string]*sending{}, changed: make(chan struct{}), gone: make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.client = client.New(p.host())
	p.run.Go(p.loop.run)
	p.loop.post(func() {
		p.client.Open(handle, client.Options{Dial: p.dial, Report: p.heard})
		p.do(func(s *client.Session) { p.session = s })
	})
	return p
}

// Close ends the page as a closed tab does: without sending anything.
func (p *Page) Close() {
	p.closed.Do(func() {
		p.cancel()
		p.Cut()
		p.loop.post(func() {
			p.do(func(s *client.Session) { s.Close() })
			p.stopWake()
			p.loop.stop()
		})
	})
	p.run.Wait()
}

// Cut cuts both sockets. The page comes back by itself.
func (p *Page) Cut() {
	p.mu.Lock()
	var all []*socket
	for s := range p.sockets {
		all = append(all, s)
	}
	p.mu.Unlock()
	for _, s := range all {
		s.cut()
	}
}

// Cuts returns how often the chat socket was lost.
func (p *Page) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// AwaitCut waits until the chat socket has been lost more often than that.
func (p *Page) AwaitCut(ctx context.Context, cuts int) error {
	return p.until(ctx, func() bool { return p.cuts > cuts })
}

// Proxy is the address of the proxy that the page is connected to; empty if there is none.
func (p *Page) Proxy() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.chat == nil {
		return ""
	}
	return p.address
}

// Sights returns the events that came, in the order in which they first came.
func (p *Page) Sights() []Sight {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sights.list()
}

// Position waits until the page has everything that the session held when the
// page last joined, and returns the last event's id.
func (p *Page) Position(ctx context.Context) (int64, error) {
	err := p.until(ctx, func() bool { return p.chat != nil && p.sights.position >= p.reached })
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sights.position, err
}

// CatchUp waits until the page has that event or a later one.
func (p *Page) CatchUp(ctx context.Context, id int64) error {
	return p.until(ctx, func() bool { return p.sights.position >= id })
}

// End ends the chat session for all parties.
func (p *Page) End(ctx context.Context) error {
	if err := p.until(ctx, func() bool { return p.chat != nil }); err != nil {
		return err
	}
	_, err := p.call(ctx, func(s *client.Session, call int64) { s.Leave(call, bridge.ForceClose) })
	return err
}

// until waits for a state of the page under mu.
func (p *Page) until(ctx context.Context, is func() bool) error {
	for {
		p.mu.Lock()
		ok, changed, fault, ended := is(), p.changed, p.fault, p.ended
		p.mu.Unlock()
		switch {
		case ok:
			return nil
		case ended != nil:
			return ended
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), fault)
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
	}
}

// signal wakes until; the caller holds mu.
func (p *Page) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// do runs f with the session; on the loop only.
func (p *Page) do(f func(*client.Session)) { p.client.Do(handle, f) }

// begin makes a call, whose reports go to on; on the loop only.
func (p *Page) begin(f func(s *client.Session, call int64), on func(client.Word, string)) {
	p.last++
	call := p.last
	p.calls[call] = on
	p.do(func(s *client.Session) { f(s, call) })
}

// call makes a call and waits for its end.
func (p *Page) call(ctx context.Context, f func(s *client.Session, call int64)) (text string, err error) {
	type answer struct {
		word client.Word
		text string
	}
	answered := make(chan answer, 1)
	p.loop.post(func() {
		p.begin(f, func(w client.Word, text string) { answered <- answer{w, text} })
	})
	select {
	case a := <-answered:
		if a.word == client.WordFail {
			return "", readError(a.text)
		}
		return a.text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	case <-p.ctx.Done():
		return "", p.ctx.Err()
	case <-p.gone:
		return "", p.reason()
	}
}

// heard takes what the client reports, on the loop.
func (p *Page) heard(w client.Word, call int64, text []byte) {
	switch w {
	case client.WordToken:
		p.do(func(s *client.Session) { s.Token(call, p.o.Token, true, "") })
	case client.WordWelcome:
		p.tries = 0
		p.stopWake()
	case client.WordState:
		p.reconnect(readError(string(text)))
	case client.WordClosed:
		p.end(string(text))
	case client.WordUpload, client.WordDone, client.WordFail:
		if on := p.calls[call]; on != nil {
			if w != client.WordUpload {
				delete(p.calls, call)
			}
			on(w, string(text))
		}
	}
}

// reconnect does not leave it at the client's pauses, which are for thousands of pages
// and up to ten seconds: it is as if the network came back at once.
func (p *Page) reconnect(err error) {
	p.mu.Lock()
	p.fault = err
	p.mu.Unlock()
	p.tries++
	p.stopWake()
	p.wake = time.AfterFunc(pauseBefore(p.tries), func() {
		p.loop.post(func() { p.do(func(s *client.Session) { s.Wake() }) })
	})
}

func (p *Page) stopWake() {
	if p.wake != nil {
		p.wake.Stop()
	}
}

// end: the session has ended, by an error if there is a text.
func (p *Page) end(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = errors.New("the session has ended")
	if text != "" {
		p.ended = readError(text)
	}
	close(p.gone)
	p.signal()
}

func (p *Page) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// readError reads an error as the client reports it.
func readError(text string) *bridge.Error {
	var e struct{ Error *bridge.Error }
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.Error == nil {
		return bridge.WrapError(bridge.CodeInternal, fmt.Errorf("the client reports %q", text))
	}
	return e.Error
}
