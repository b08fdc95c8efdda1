//go:build !js

package page

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"attache/bridge"
	"attache/wasm/client"
)

// A proxy that needs longer counts as cut.
const (
	dialTime  = 5 * time.Second
	writeTime = 20 * time.Second
	readLimit = 1 << 20
)

// socket is a WebSocket as a browser has it: it is opened, written and closed in the
// background.
type socket struct {
	page   *Page
	path   string
	listen client.Listener
	closed bool // by the client; on the loop only

	mu       sync.Mutex
	conn     *websocket.Conn // nil until it is open
	queue    []outgoing
	buffered int
	closing  bool          // in good order
	some     chan struct{} // the queue or closing has changed
}

// outgoing is a message to be sent. done is called when it is, or never will be.
type outgoing struct {
	kind websocket.MessageType
	data []byte
	done func(sent bool)
}

// dial opens a socket; on the loop.
func (p *Page) dial(path string, l client.Listener) (*client.Socket, error) {
	s := &socket{page: p, path: path, listen: l, some: make(chan struct{}, 1)}
	p.mu.Lock()
	address := p.address // uploads go to the proxy that was joined
	p.mu.Unlock()
	if path == bridge.PathChat {
		address = p.o.Address()
	}
	p.mu.Lock()
	p.address, p.sockets[s] = address, true
	p.mu.Unlock()
	p.run.Go(func() { s.live(address) })
	return &client.Socket{
		Send: func(text []byte) error {
			p.sends(text)
			s.push(outgoing{websocket.MessageText, text, nil})
			return nil
		},
		SendFrame: func(v client.View) error {
			frame, done := p.frame(v.([]byte))
			s.push(outgoing{websocket.MessageBinary, frame, done})
			return nil
		},
		Buffered: s.left,
		Close:    s.close,
	}, nil
}

// live opens the socket and reads until it ends.
func (s *socket) live(address string) {
	defer s.gone()
	url := "ws" + strings.TrimPrefix(address, "http") + s.path
	ctx, cancel := context.WithTimeout(s.page.ctx, dialTime)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {s.page.o.Origin}}, Subprotocols: []string{bridge.Subprotocol},
	})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(readLimit)
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	s.event(client.Event{Kind: client.Opened, Text: conn.Subprotocol()})
	writing, stop := context.WithCancel(s.page.ctx)
	var writer sync.WaitGroup
	writer.Go(func() { s.write(writing) })
	defer writer.Wait()
	defer stop()
	for {
		kind, b, err := conn.Read(s.page.ctx)
		if err != nil {
			return
		}
		if kind != websocket.MessageText {
			b = nil // as a browser's host reads it: no text
		}
		s.event(client.Event{Kind: client.Received, Text: string(b)})
	}
}

// event passes an event on after the page has read it.
func (s *socket) event(e client.Event) {
	s.page.loop.post(func() {
		if s.closed {
			return
		}
		if e.Kind == client.Received {
			s.page.receives(s, e.Text)
		}
		s.listen(e)
	})
}

// gone handles that the socket has ended, or could not be opened.
func (s *socket) gone() {
	s.page.leave(s)
	s.mu.Lock()
	queue := s.queue
	s.queue, s.closing = nil, true
	s.mu.Unlock()
	for _, m := range queue {
		if m.done != nil {
			m.done(false)
		}
	}
	s.event(client.Event{Kind: client.Closed, Err: bridge.NewError(bridge.CodeOffline, "")})
}

// leave forgets a socket.
func (p *Page) leave(s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sockets, s)
	if p.chat == s {
		p.chat = nil
		p.cuts++
		p.signal()
	}
}

func (s *socket) push(m outgoing) {
	s.mu.Lock()
	over := s.closing
	if !over {
		s.queue = append(s.queue, m)
		s.buffered += len(m.data)
	}
	s.mu.Unlock()
	if over && m.done != nil {
		m.done(false)
	}
	s.wake()
}

func (s *socket) wake() {
	select {
	case s.some <- struct{}{}:
	default:
	}
}

func (s *socket) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffered
}

// close closes it in good order: what was sent still arrives.
func (s *socket) close() {
	s.closed = true
	s.page.leave(s)
	s.mu.Lock()
	s.closing = true
	var calls []func(bool)
	for i := range s.queue {
		if done := s.queue[i].done; done != nil {
			calls, s.queue[i].done = append(calls, done), nil // nothing waits for what may be stuck
		}
	}
	s.mu.Unlock()
	for _, done := range calls {
		done(false)
	}
	s.wake()
}

func (s *socket) cut() {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		conn.CloseNow()
	}
}

// write sends what is queued, until the socket ends.
func (s *socket) write(ctx context.Context) {
	for {
		m, closing := s.next()
		switch {
		case m != nil:
			err := s.writeOne(ctx, m)
			if m.done != nil {
				m.done(err == nil)
			}
			if err != nil {
				s.conn.CloseNow()
				return
			}
			continue
		case closing:
			s.conn.Close(websocket.StatusNormalClosure, "")
			return
		}
		select {
		case <-s.some:
		case <-ctx.Done():
			return
		}
	}
}

func (s *socket) writeOne(ctx context.Context, m *outgoing) error {
	ctx, cancel := context.WithTimeout(ctx, bridge.Timeout(writeTime, int64(len(m.data))))
	defer cancel()
	err := s.conn.Write(ctx, m.kind, m.data)
	s.mu.Lock()
	s.buffered -= len(m.data)
	s.mu.Unlock()
	return err
}

// next takes the next message; nil: there is none now.
func (s *socket) next() (m *outgoing, closing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil, s.closing
	}
	m = &s.queue[0]
	s.queue = s.queue[1:]
	return m, false
}
