package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// devtools speaks the Chrome DevTools Protocol over one socket, with flattened
// sessions (https://chromedevtools.github.io/devtools-protocol/).
//
// It exists because the usual drivers switch on the Network domain, which copies
// every WebSocket frame into a debug event: sockets then are six to seven times
// slower. call refuses to switch it on.
type devtools struct {
	socket *websocket.Conn

	mu      sync.Mutex
	last    int64
	waiting map[int64]chan<- reply
	events  map[eventOf][]chan<- struct{}
	broken  error
}

type eventOf struct{ session, method string }

type reply struct {
	result json.RawMessage
	err    error
}

var errNetworkDomain = errors.New("the Network domain slows down every socket and must stay off")

// dialDevtools connects to the address that Chromium prints when it starts.
// The connection ends with ctx.
func dialDevtools(ctx context.Context, address string) (*devtools, error) {
	socket, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil, fmt.Errorf("dial devtools: %w", err)
	}
	socket.SetReadLimit(-1)
	d := &devtools{
		socket:  socket,
		waiting: map[int64]chan<- reply{},
		events:  map[eventOf][]chan<- struct{}{},
	}
	go d.listen(ctx)
	return d, nil
}

// call sends a command to a session ("" for the browser itself), waits for the
// answer and decodes it into result unless that is nil.
func (d *devtools) call(ctx context.Context, session, method string, params, result any) error {
	if len(method) > 8 && method[:8] == "Network." {
		return errNetworkDomain
	}
	answer, err := d.send(ctx, session, method, params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case r := <-answer:
		if r.err != nil {
			return fmt.Errorf("%s: %w", method, r.err)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(r.result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
}

// once returns a channel that is closed at the next event of that method. Its domain
// must have been enabled.
func (d *devtools) once(session, method string) <-chan struct{} {
	happened := make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	key := eventOf{session, method}
	d.events[key] = append(d.events[key], happened)
	return happened
}

func (d *devtools) send(ctx context.Context, session, method string, params any) (<-chan reply, error) {
	answer := make(chan reply, 1)
	d.mu.Lock()
	if d.broken != nil {
		defer d.mu.Unlock()
		return nil, d.broken
	}
	d.last++
	id := d.last
	d.waiting[id] = answer
	d.mu.Unlock()

	message, err := json.Marshal(struct {
		ID      int64  `json:"id"`
		Session string `json:"sessionId,omitempty"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
	}{id, session, method, params})
	if err != nil {
		return nil, err
	}
	return answer, d.socket.Write(ctx, websocket.MessageText, message)
}

func (d *devtools) listen(ctx context.Context) {
	for {
		_, message, err := d.socket.Read(ctx)
		if err != nil {
			d.fail(fmt.Errorf("devtools connection: %w", err))
			return
		}
		var m struct {
			ID      int64           `json:"id"`
			Session string          `json:"sessionId"`
			Method  string          `json:"method"`
			Result  json.RawMessage `json:"result"`
			Error   *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := json.Unmarshal(message, &m); err != nil {
			d.fail(fmt.Errorf("devtools message: %w", err))
			return
		}
		if m.ID == 0 {
			d.happened(eventOf{m.Session, m.Method})
			continue
		}
		r := reply{result: m.Result}
		if m.Error != nil {
			r.err = errors.New(m.Error.Message)
		}
		d.answer(m.ID, r)
	}
}

func (d *devtools) answer(id int64, r reply) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if answer := d.waiting[id]; answer != nil {
		answer <- r
		delete(d.waiting, id)
	}
}

func (d *devtools) happened(key eventOf) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, waiter := range d.events[key] {
		close(waiter)
	}
	delete(d.events, key)
}

func (d *devtools) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = err
	for id, answer := range d.waiting {
		answer <- reply{err: err}
		delete(d.waiting, id)
	}
}
