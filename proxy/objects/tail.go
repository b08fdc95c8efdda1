package objects

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// end finds the end of staged content, and the lease that it was found under.
func (s *Store) end(ctx context.Context, b *bucket, id string) (tail, uint64, error) {
	lease, err := s.currentLease(ctx, b, id)
	if err != nil {
		return tail{}, 0, err
	}
	if w := s.recent.get(id); w != nil && w.lease == lease {
		if end, ok := w.end(); ok {
			return end, lease, nil
		}
	}
	c, err := s.lastChunk(ctx, b, id)
	if err != nil || c == nil {
		return tail{}, lease, err
	}
	if c.lease < lease {
		if void, err := s.discarded(ctx, b, id, lease); void || err != nil {
			return tail{}, lease, err
		}
	}
	t, err := c.tail()
	return t, lease, err
}

// lastChunk is nil if nothing is stored.
func (s *Store) lastChunk(ctx context.Context, b *bucket, id string) (*chunk, error) {
	m, err := s.last(ctx, b, b.chunks(id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseChunk(m)
}

// repair returns the end of the content for the holder of the lease, and drops chunks after
// a gap. A gap is possible if several chunks were in flight and an early one failed for
// lack of disk space.
//
// Another process may take the next lease meanwhile and write. So only a chunk of an older
// lease is dropped: its writer is dead, and the chunk is useless to the newer holder too. A
// newer chunk means that the lease has ended.
func (s *Store) repair(ctx context.Context, b *bucket, id string, lease uint64) (tail, error) {
	for range 2 * inFlight {
		c, err := s.lastChunk(ctx, b, id)
		if err != nil || c == nil {
			return tail{}, err
		}
		if c.lease > lease {
			return tail{}, bridge.NewError(bridge.CodeSuperseded, "")
		}
		n, err := s.count(ctx, b, id)
		if err != nil {
			return tail{}, err
		}
		if n == c.number+1 {
			return c.tail()
		}
		if n > c.number+1 {
			continue // one was stored meanwhile
		}
		s.log.Warn("dropping a chunk after a gap", "document", id, "chunk", c.number, "stored", n)
		if err := s.drop(ctx, b, c.seq); err != nil {
			return tail{}, err
		}
	}
	return tail{}, errors.New("the stored chunks are incomplete")
}

// drop deletes one message. It may be deleted already.
func (s *Store) drop(ctx context.Context, b *bucket, seq uint64) error {
	err := s.engine.Retry(ctx, sendRetry, func(ctx context.Context, _ bool) error { return b.stream.DeleteMsg(ctx, seq) })
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == sequenceNotFound || api.ErrorCode == jetstream.JSErrCodeMessageNotFound) {
		return nil
	}
	return err
}

// count is how many chunks of id the stream holds.
func (s *Store) count(ctx context.Context, b *bucket, id string) (uint64, error) {
	chunks, err := s.subjects(ctx, b, b.chunks(id))
	return chunks[b.chunks(id)], err
}

// subjects counts the messages of each subject that matches the filter. The server does not
// read them for that.
func (s *Store) subjects(ctx context.Context, b *bucket, filter string) (map[string]uint64, error) {
	info, err := retry(ctx, s, func(ctx context.Context) (*jetstream.StreamInfo, error) {
		return b.stream.Info(ctx, jetstream.WithSubjectFilter(filter))
	})
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}
