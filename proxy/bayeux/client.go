package bayeux

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Client is a session of the protocol: what a client is from its handshake until it disconnects
// or expires.
type Client struct {
	ID      string // secret: it identifies the client
	Browser string // its cookie; empty: unknown
	Address string

	server *Server
	ctx    context.Context // ends with the client
	cancel context.CancelFunc
	rate   *rate.Limiter
	leave  atomic.Pointer[func()] // the strangers

	recognized atomic.Bool // the application knows it

	mu            sync.Mutex
	gone          bool
	left          bool // it has disconnected itself
	connected     bool // it has had a connect
	running       int  // its requests under way, and a connect that a socket holds
	expiry        *time.Timer
	queue         queue
	room          chan struct{} // closed when the queue gets shorter; nil: nobody waits
	held          *hold         // the connect that is held
	socket        *socket       // that it uses; nil: it polls
	subscriptions map[string]bool
}

// Errors of a delivery.
var (
	ErrGone = errors.New("the client is gone")
	ErrFull = errors.New("the client takes no messages")
)

func (s *Server) newClient(browser, address string, acks bool) *Client {
	c := &Client{ID: rand.Text(), Browser: browser, Address: address, server: s}
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	c.rate = rate.NewLimiter(rate.Limit(s.options.Rate), s.options.Burst)
	c.queue.acks = acks
	return c
}

// Context ends with the client.
func (c *Client) Context() context.Context { return c.ctx }

// Known says that the application knows the client, so newcomers no longer replace it.
func (c *Client) Known() {
	c.recognized.Store(true)
	c.forgetStranger()
}

func (c *Client) forgetStranger() {
	if leave := c.leave.Load(); leave != nil {
		(*leave)()
	}
}

// Deliver queues a message for the client, and waits while its queue is full. On a channel other
// than /service/** only a client gets it that has subscribed. data is encoded as JSON.
func (c *Client) Deliver(ctx context.Context, channel string, data any) error {
	text, err := reply{Channel: channel, Data: data}.encode()
	if err != nil {
		return err
	}
	for {
		full, err := c.push(channel, text, c.server.options.MaxQueue)
		if err != nil || full == nil {
			return err
		}
		select {
		case <-full:
		case <-c.ctx.Done():
			return ErrGone
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Reply is Deliver for the answer to what the client has just published: it does not wait,
// because the client may send nothing else before it has its reply. A client that publishes and
// takes no answers is ended, with [ErrFull].
func (c *Client) Reply(channel string, data any) error {
	text, err := reply{Channel: channel, Data: data}.encode()
	if err != nil {
		return err
	}
	full, err := c.push(channel, text, 4*c.server.options.MaxQueue)
	if full != nil {
		c.server.options.Log.Warn("a Bayeux client was ended because it takes no messages", "address", c.Address)
		c.end(nil)
		return ErrFull
	}
	return err
}

// push queues a text, or returns a channel that is closed when there is room for it.
func (c *Client) push(channel string, text []byte, most int) (full <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gone:
		return nil, ErrGone
	case !service(channel) && !c.subscribed(channel):
		return nil, nil
	case !c.queue.empty() && c.queue.bytes+len(text) > most:
		if c.room == nil {
			c.room = make(chan struct{})
		}
		return c.room, nil
	}
	c.queue.push(text)
	c.wake()
	return nil, nil
}

func (c *Client) subscribed(channel string) bool {
	for pattern := range c.subscriptions {
		if matches(pattern, channel) {
			return true
		}
	}
	return false
}

// wake lets the transport send what is queued. The caller has the lock.
func (c *Client) wake() {
	switch {
	case c.held != nil && c.held.socket == nil:
		c.held.release()
	case c.socket != nil:
		c.socket.kick()
	}
}

// take returns the messages that may go with any response: with acknowledgements none.
func (c *Client) take() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue.acks || c.gone {
		return nil
	}
	return c.taken()
}

// taken empties the queue, and lets those continue that wait for it.
func (c *Client) taken() [][]byte {
	texts := c.queue.take()
	c.shorter()
	return texts
}

func (c *Client) shorter() {
	if c.room != nil && c.queue.bytes < c.server.options.MaxQueue {
		close(c.room)
		c.room = nil
	}
}

// enter counts a request in, during which the client does not expire; false if it is gone.
func (c *Client) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	c.running++
	if c.expiry != nil {
		c.expiry.Stop()
	}
	return true
}

// exit counts a request out. After the last one the client has MaxInterval for the next.
func (c *Client) exit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaves()
}

func (c *Client) leaves() {
	c.running--
	if c.running > 0 || c.gone {
		return
	}
	after := c.server.options.Interval + c.server.options.MaxInterval
	if c.expiry == nil {
		c.expiry = time.AfterFunc(after, c.expire)
	} else {
		c.expiry.Reset(after)
	}
}

func (c *Client) expire() {
	c.mu.Lock()
	running := c.running > 0
	c.mu.Unlock()
	if !running {
		c.end(nil)
	}
}

// end ends the client, with its disconnect or without one.
func (c *Client) end(disconnect *Message) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	c.gone, c.left = true, disconnect != nil
	if c.expiry != nil {
		c.expiry.Stop()
	}
	c.queue = queue{}
	if h := c.held; h != nil && h.socket != nil {
		h.socket.answer(c, h) // before the reply of a disconnect: a client then closes the socket
	} else {
		c.wake()
	}
	c.mu.Unlock()
	c.cancel()
	c.server.remove(c)
	c.forgetStranger()
	c.server.options.Gone(c, disconnect)
}

// known reports whether the application knows the client.
func (c *Client) known() bool { return c.recognized.Load() }

// Polling reports whether a connect of the client is held.
func (c *Client) Polling() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held != nil
}
