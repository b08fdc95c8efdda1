package bayeux

import (
	"context"
	"sync"
	"time"
)

// hold is a connect that waits for its answer. A client has one at most.
type hold struct {
	message  Message
	acked    int64 // the batch that it acknowledged
	first    bool  // the client's first one
	replaced bool  // a later connect has come, which gets the messages

	free   chan struct{} // closed when it is to be answered; of a request
	once   sync.Once
	socket *socket // nil: it is a request's
	due    bool    // of a socket: its time is over
	timer  *time.Timer
}

// release lets a request's connect be answered.
func (h *hold) release() { h.once.Do(func() { close(h.free) }) }

// connect begins a connect. An older one is answered at once, without messages: its connection
// may be dead, and the client acknowledges what the later one brings.
func (c *Client) connect(m Message, via *socket) *hold {
	h := &hold{message: m, free: make(chan struct{}), socket: via}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue.acks {
		n, says := m.acked()
		if !says {
			n = c.queue.batch // a client that says nothing would get the same for ever
		}
		h.acked = n
		c.queue.acked(n)
		c.shorter()
	}
	if old := c.held; old != nil {
		old.replaced = true
		if old.socket == nil {
			old.release()
		} else {
			old.socket.answer(c, old)
		}
	}
	h.first, c.connected = !c.connected, true
	c.held = h
	if c.socket != nil && c.socket != via {
		c.socket.forget(c)
	}
	c.socket = via
	if c.gone || len(c.queue.waiting) > 0 {
		h.release()
		h.due = true
	}
	return h
}

// holdTime returns for how long the connect may wait: not at all if it is the first one, or the
// client says so because it wants to know that it is connected.
func (s *Server) holdTime(h *hold) time.Duration {
	timeout := s.options.Timeout
	if ms := h.message.timeout; ms != nil && *ms >= 0 && *ms < timeout.Milliseconds() {
		timeout = time.Duration(*ms) * time.Millisecond
	}
	if h.first || s.draining.Err() != nil {
		return 0
	}
	return timeout
}

// wait waits until the connect of a request is to be answered.
func (h *hold) wait(ctx, draining context.Context, timeout time.Duration) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-h.free:
	case <-timer.C:
	case <-draining.Done():
	case <-ctx.Done():
	}
}

// finish ends a connect and returns the messages that go with its answer, and the answer. deaf
// says that nobody would get them.
func (c *Client) finish(h *hold, deaf bool) (texts [][]byte, r reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.finished(h, deaf)
}

func (c *Client) finished(h *hold, deaf bool) (texts [][]byte, r reply) {
	if c.held == h {
		c.held = nil
	}
	if c.gone && !c.left {
		return nil, h.message.unknown()
	}
	r = h.message.succeed()
	batch := h.acked
	switch {
	case c.gone:
		r.Advice = &advice{Reconnect: none}
		return nil, r
	case h.replaced || deaf:
	default:
		texts = c.taken()
		batch = c.queue.batch
	}
	r.ClientID = c.ID
	if h.first {
		r.Advice = c.server.advice()
	}
	if c.queue.acks {
		r.Ext = map[string]any{"ack": batch}
	}
	return texts, r
}

// advice is that for a client for which all is well.
func (s *Server) advice() *advice {
	timeout := s.options.Timeout.Milliseconds()
	return &advice{
		Reconnect: retry, Interval: s.options.Interval.Milliseconds(), Timeout: &timeout,
		MaxInterval: s.options.MaxInterval.Milliseconds(),
	}
}
