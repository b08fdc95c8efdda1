package objects

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// search finds a chunk that the index does not cover. The stream knows chunks by sequence
// only, and other objects' chunks are between them; but an object's chunks are mostly alike
// and evenly spread, so the sequence is interpolated, and bisected every other time in case
// they are not.
func (r *reader) search(pos int64) (*chunk, error) {
	c, err := r.fetch(1)
	if err != nil || c.span().holds(pos) {
		return c, err
	}
	low := span{seq: c.seq, offset: c.offset}
	high, err := r.limit()
	if err != nil {
		return nil, err
	}
	for try := 0; low.seq <= high.seq; try++ {
		part := 0.5
		if try%2 == 0 {
			part = float64(pos-low.offset) / float64(high.offset-low.offset)
		}
		guess := low.seq + uint64(part*float64(high.seq-low.seq))
		c, err := r.fetch(guess)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			high.seq = guess - 1
		case err != nil:
			return nil, err
		case c.span().holds(pos):
			return c, nil
		case c.offset > pos:
			high = span{seq: guess - 1, offset: c.offset}
		default:
			low = span{seq: c.seq + 1, offset: c.span().end}
		}
	}
	return nil, bridge.NewError(bridge.CodeDocument, "a part of the document is missing")
}

// limit is the highest sequence that a chunk outside the index can have, and the offset
// after that chunk.
func (r *reader) limit() (span, error) {
	if len(r.index) > 0 {
		return span{seq: r.index[0].seq - 1, offset: r.index[0].offset}, nil
	}
	m, err := r.store.last(r.ctx, r.bucket, r.bucket.chunks(r.content))
	if err != nil {
		return span{}, err
	}
	return span{seq: m.Sequence, offset: r.document.Size}, nil
}

// fetch returns the object's first chunk from the sequence on.
func (r *reader) fetch(seq uint64) (*chunk, error) {
	select {
	case r.store.gets <- struct{}{}:
		defer func() { <-r.store.gets }()
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
	var m *jetstream.RawStreamMsg
	err := r.store.engine.Retry(r.ctx, sendRetry, func(ctx context.Context, _ bool) (err error) {
		m, err = r.get(ctx, seq)
		return err
	})
	if err != nil {
		return nil, err
	}
	return parseChunk(m)
}

// get reads from any replica, and from the leader if that one does not have the message.
func (r *reader) get(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	subject := r.bucket.chunks(r.content)
	m, err := r.bucket.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) && r.store.engine.Replicas() > 1 {
		return r.store.askLeader(ctx, r.bucket, request{Next: subject, Seq: seq})
	}
	if gone(err) && r.swept(ctx) {
		return nil, bridge.NewError(bridge.CodeDocument, "")
	}
	return m, err
}

// swept reports whether the bucket no longer exists. A stream whose leader is being elected may
// not respond either.
func (r *reader) swept(ctx context.Context) bool {
	_, err := r.store.reading.Stream(ctx, streamName(r.bucket.name))
	return errors.Is(err, jetstream.ErrStreamNotFound)
}
