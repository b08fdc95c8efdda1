package bayeux

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"attache/proxy/guests"
)

// Deadlines and bounds of a socket.
const (
	firstTimeout = 10 * time.Second // for the first message
	silence      = 10 * time.Second // added to the time that a client has for its next connect
	writeTimeout = 20 * time.Second // for one message
	pingBudget   = 32               // pings between two messages
	replyBytes   = 1 << 20          // of replies that the client does not take
)

// socket is a WebSocket of a client. Each message to the client is a frame of its own, as with
// CometD's server: some clients read only the first message of an array.
type socket struct {
	server  *Server
	conn    *websocket.Conn
	browser string
	address string
	ctx     context.Context // ends with the socket
	pings   atomic.Int32
	leave   func() // the strangers

	mu      sync.Mutex
	client  *Client // whose messages it carries; nil: none yet
	replies [][]byte
	bytes   int // of the replies
	writing bool
	again   bool // there may be more to write than the writer has seen
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if s.options.NoSockets {
		http.Error(w, "WebSocket is off", http.StatusNotFound)
		return
	}
	k := &socket{server: s, browser: s.mark(w, r), address: s.options.Address(r)}
	s.mu.Lock()
	if s.draining.Err() != nil {
		s.mu.Unlock()
		http.Error(w, "this server is shutting down", http.StatusServiceUnavailable)
		return
	}
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       subprotocols(r), // a browser that asks for one closes if it gets none
		InsecureSkipVerify: true,            // ServeHTTP has checked the exact list
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { return k.pings.Add(1) <= pingBudget },
	})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(s.options.MaxBody)
	var cancel context.CancelFunc
	k.conn = conn
	k.ctx, cancel = context.WithCancel(s.ctx)
	defer cancel()
	k.leave = s.strangers.Acquire(k.address, cancel)
	defer k.leave()
	defer context.AfterFunc(s.draining, func() { conn.Close(websocket.StatusServiceRestart, "restarting") })()
	k.read(r)
	k.detach()
}

func subprotocols(r *http.Request) (names []string) {
	for _, list := range r.Header.Values("Sec-WebSocket-Protocol") {
		for _, name := range strings.Split(list, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// read handles messages until the socket ends.
func (k *socket) read(r *http.Request) {
	within := firstTimeout
	for {
		ctx, cancel := context.WithTimeout(k.ctx, within)
		_, body, err := k.conn.Read(ctx)
		cancel()
		if err != nil {
			return
		}
		k.pings.Store(0)
		messages, err := Read(body, k.server.options.MaxMessages)
		if err != nil {
			k.conn.Close(websocket.StatusPolicyViolation, printable(err.Error()))
			return
		}
		o := k.server.options
		within = o.Timeout + o.Interval + o.MaxInterval + silence
		for _, m := range messages {
			m.Header = r.Header
			if !k.message(r, m) {
				return
			}
			if m.Channel == metaDisconnect {
				within = silence // it closes the socket itself
			}
		}
	}
}

func (k *socket) message(r *http.Request, m Message) bool {
	if m.Channel == metaHandshake {
		c, reply := k.server.shake(m, k.browser, k.address)
		if c != nil {
			defer c.exit()
			k.attach(c)
		}
		return k.send(reply.text())
	}
	c := k.server.client(m.ClientID)
	if c == nil || !c.enter() {
		return k.send(m.unknown().text())
	}
	if c.known() {
		k.leave()
		guests.MarkKnown(r.Context())
	}
	if err := c.rate.Wait(k.ctx); err != nil {
		c.exit()
		return false
	}
	if m.Channel == metaConnect {
		k.hold(c, m) // and exit, once it is answered
		return true
	}
	defer c.exit()
	ctx, cancel := context.WithCancel(k.ctx)
	defer context.AfterFunc(c.ctx, cancel)()
	defer cancel()
	return k.send(k.server.handle(ctx, c, m).text())
}

// hold begins a connect over the socket, which goes on reading meanwhile.
func (k *socket) hold(c *Client, m Message) {
	k.attach(c)
	h := c.connect(m, k)
	timeout := k.server.holdTime(h)
	c.mu.Lock()
	if timeout <= 0 {
		h.due = true
	} else {
		h.timer = time.AfterFunc(timeout, func() {
			c.mu.Lock()
			h.due = true
			c.mu.Unlock()
			k.kick()
		})
	}
	c.mu.Unlock()
	k.kick()
}

// attach makes the socket that of the client. A client that shakes hands again does so over the
// same socket.
func (k *socket) attach(c *Client) {
	k.mu.Lock()
	old := k.client
	k.client = c
	k.mu.Unlock()
	if old != nil && old != c {
		old.detach(k)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket != k && c.held == nil {
		c.socket = k
	}
}

// forget is called for a client that has moved to another transport.
func (k *socket) forget(c *Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.client == c {
		k.client = nil
	}
}

// detach ends what the socket holds for its client, which may come back by another one.
func (k *socket) detach() {
	k.mu.Lock()
	c := k.client
	k.client = nil
	k.mu.Unlock()
	if c != nil {
		c.detach(k)
	}
}

func (c *Client) detach(k *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket == k {
		c.socket = nil
	}
	if h := c.held; h != nil && h.socket == k {
		c.held = nil
		h.stop()
		c.leaves()
	}
}

func (h *hold) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
}

// answer answers a connect that a later one has replaced. The caller has the client's lock.
func (k *socket) answer(c *Client, h *hold) {
	h.stop()
	_, r := c.finished(h, true)
	k.queueReply(r.text())
	c.leaves()
}

// collect returns what the client is to be sent over this socket now: messages, and the answer
// to its connect if that is due.
func (c *Client) collect(k *socket) (texts [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.held
	if h != nil && h.socket != k {
		h = nil
	}
	if h != nil && (h.due || c.gone || c.queue.acks && len(c.queue.waiting) > 0) {
		h.stop()
		texts, r := c.finished(h, false)
		c.leaves()
		return append(texts, r.text())
	}
	if c.socket != k || c.queue.acks || c.gone || len(c.queue.waiting) == 0 {
		return nil
	}
	return c.taken()
}
