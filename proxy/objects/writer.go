package objects

import (
	"bytes"
	"context"
	"encoding"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy"
)

// inFlight is how many chunks a writer has under way. Few are as fast as many, because the
// hash of one overlaps with the sync of another, and they bound an upload's memory. In a
// cluster it is one: a replicated stream refuses a chunk that is compared with a lease
// while an earlier one is not yet applied.
const inFlight = 4

// writer appends chunks to one object. The fields above mu belong to the
// goroutine that appends.
type writer struct {
	store  *Store
	bucket *bucket
	id     string
	lease  uint64
	hash   hash.Hash
	sent   tail
	slots  chan struct{}

	mu         sync.Mutex
	stored     tail
	err        error
	queue      []*pending
	collecting bool
}

func (s *Store) writer(b *bucket, id string, lease uint64, end tail) (*writer, error) {
	h, err := end.hash()
	if err != nil {
		return nil, err
	}
	n := inFlight
	if s.engine.Replicas() > 1 {
		n = 1
	}
	w := &writer{
		store: s, bucket: b, id: id, lease: lease,
		hash: h, sent: end, stored: end, slots: make(chan struct{}, n),
	}
	s.recent.put(id, w)
	return w, nil
}

// Offset is the next byte expected.
func (w *writer) Offset() int64 { return w.sent.size }

var _ proxy.ChunkCounter = (*writer)(nil)

// Chunks is the number of chunks of the content.
func (w *writer) Chunks() int64 { return int64(w.sent.chunks) }

// MaxChunk is the largest piece that Append takes.
func (w *writer) MaxChunk() int { return w.store.engine.MaxChunk() }

// Sum is the SHA-256 of everything appended.
func (w *writer) Sum() (sum [32]byte) {
	w.hash.Sum(sum[:0])
	return sum
}

// Stored is how many bytes are durable.
func (w *writer) Stored() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stored.size
}

// Close does nothing: the collector ends with the last chunk under way.
func (w *writer) Close() error { return nil }

func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// end is the end of the stored content; ok is false after the writer has failed.
func (w *writer) end() (end tail, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stored, w.err == nil
}

// Append sends p. It waits while the writer has enough in flight, or all writers together
// have; ctx ends that wait, and then nothing was sent.
func (w *writer) Append(ctx context.Context, p []byte, onDurable func(int64, error)) error {
	if len(p) == 0 || len(p) > w.MaxChunk() {
		return fmt.Errorf("append %d bytes: a piece has 1 to %d", len(p), w.MaxChunk())
	}
	if err := w.failed(); err != nil {
		return err
	}
	if err := w.store.engine.AdmitWrite(); err != nil {
		return err
	}
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := w.store.budget.Acquire(ctx, min(int64(len(p)), w.store.limit)); err != nil {
		<-w.slots
		return err
	}
	if err := w.failed(); err != nil {
		w.release(len(p))
		return err
	}
	return w.append(p, onDurable)
}

func (w *writer) release(n int) {
	w.store.budget.Release(min(int64(n), w.store.limit))
	<-w.slots
}

func (w *writer) append(p []byte, onDurable func(int64, error)) error {
	c, err := w.chunk(p)
	if err == nil {
		err = w.send(c)
	}
	if err != nil {
		w.release(len(p))
		return w.fail(err)
	}
	c.onDurable = onDurable
	w.enqueue(c)
	return nil
}

func (w *writer) chunk(p []byte) (*pending, error) {
	before := w.sent
	w.hash.Write(p)
	state, err := w.hash.(encoding.BinaryAppender).AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	w.sent.size += int64(len(p))
	w.sent.chunks++
	w.sent.state = state
	m := &nats.Msg{Subject: w.bucket.chunks(w.id), Data: p, Header: nats.Header{
		headerOffset: {strconv.FormatInt(before.size, 10)},
		headerNumber: {strconv.FormatUint(before.chunks, 10)},
		headerLease:  {strconv.FormatUint(w.lease, 10)},
		headerSHA256: {base64.StdEncoding.EncodeToString(state)},
	}}
	w.bucket.under(m, w.id, w.lease)
	return &pending{msg: m, size: len(p), after: w.sent}, nil
}

// send publishes the chunk. In a cluster it leaves that to the collector, which may have to
// repeat it and so needs a copy of the bytes.
func (w *writer) send(c *pending) (err error) {
	if w.store.engine.Replicas() > 1 {
		c.msg.Data = bytes.Clone(c.msg.Data)
		c.msg.Header[jetstream.MsgIDHeader] = []string{fmt.Sprintf("%s:%d:%d", w.id, w.lease, c.after.size)}
		return nil
	}
	// The client must not retry: the caller may reuse the bytes by then.
	c.future, err = w.store.publish.PublishMsgAsync(c.msg, jetstream.WithRetryAttempts(0))
	return err
}

// fail records err as the writer's error, unless it has one already.
func (w *writer) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = fmt.Errorf("write the content of %s: %w", w.id, storage(err))
	}
	return w.err
}
