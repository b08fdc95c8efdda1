package objects

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

// pending is a chunk under way.
type pending struct {
	msg    *nats.Msg
	future jetstream.PubAckFuture // nil: the collector is to publish it
	size   int
	after  tail
	stored func(int64, error)
}

func (w *writer) enqueue(c *pending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, c)
	if !w.collecting {
		w.collecting = true
		go w.collect()
	}
}

// collect waits for the acknowledgements in order. It lives while there are
// any, so a writer needs no Close.
func (w *writer) collect() {
	for {
		c := w.dequeue()
		if c == nil {
			return
		}
		ack, err := w.await(c)
		w.release(c.size)
		w.settle(c, ack, err)
	}
}

func (w *writer) dequeue() *pending {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.collecting = false
		w.queue = nil
		return nil
	}
	c := w.queue[0]
	w.queue[0] = nil
	w.queue = w.queue[1:]
	return c
}

func (w *writer) await(c *pending) (*jetstream.PubAck, error) {
	if err := w.failed(); err != nil {
		return nil, err
	}
	if c.future == nil {
		return w.store.send(w.store.engine.Context(), c.msg)
	}
	select {
	case ack := <-c.future.Ok():
		return ack, nil
	case err := <-c.future.Err():
		return nil, refused(err)
	case <-w.store.engine.WritesFailed():
		return nil, errors.Join(engine.ErrUnanswered, w.store.engine.WriteErr())
	case <-w.store.engine.Context().Done():
		return nil, context.Cause(w.store.engine.Context())
	}
}

// settle tells what became of a chunk. The caller's function runs without the
// lock: it may ask the writer.
func (w *writer) settle(c *pending, ack *jetstream.PubAck, err error) {
	if err == nil {
		err = w.advance(c.after, ack.Sequence)
	}
	if err != nil {
		err = w.fail(err)
	}
	if c.stored != nil {
		c.stored(w.Stored(), err)
	}
}

func (w *writer) advance(end tail, seq uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	end.index = append(w.stored.index, span{seq, w.stored.size, end.size})
	w.stored = end
	return nil
}
