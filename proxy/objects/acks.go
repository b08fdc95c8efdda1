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
	msg       *nats.Msg
	future    jetstream.PubAckFuture // nil: the collector publishes it
	size      int
	after     tail
	onDurable func(int64, error)
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

// collect waits for the acknowledgements in order. It runs while any are pending, so a
// writer needs no Close.
func (w *writer) collect() {
	for {
		c := w.dequeue()
		if c == nil {
			return
		}
		ack, err := w.await(c)
		w.release(c.size)
		w.finish(c, ack, err)
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
	life := w.store.engine.Context()
	if c.future == nil {
		ack, err := w.store.send(life, c.msg)
		if err != nil && life.Err() != nil {
			err = context.Cause(life)
		}
		return ack, err
	}
	select {
	case ack := <-c.future.Ok():
		return ack, nil
	case err := <-c.future.Err():
		return nil, superseded(err)
	case <-w.store.engine.WritesFailed():
		return nil, errors.Join(engine.ErrUnanswered, w.store.engine.WriteErr())
	case <-life.Done():
		return nil, context.Cause(life)
	}
}

// finish reports a chunk's outcome. It calls onDurable without the lock, because the
// callback may call the writer.
func (w *writer) finish(c *pending, ack *jetstream.PubAck, err error) {
	if err == nil {
		err = w.advance(c.after, ack.Sequence)
	}
	if err != nil {
		err = w.fail(err)
	}
	if c.onDurable != nil {
		c.onDurable(w.Stored(), err)
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
