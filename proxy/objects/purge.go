package objects

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// purgeStep is how many sequences one purge covers. The server holds the stream's lock
// meanwhile, about 3 ms a chunk, and every upload waits.
const purgeStep = 32

// purge deletes the chunks of id before a sequence. Later ones are of an upload that has begun
// under the same id.
func (s *Store) purge(ctx context.Context, b *bucket, id string, before uint64) error {
	subject := jetstream.WithPurgeSubject(b.chunks(id))
	first, err := retry(ctx, s, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return b.stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(b.chunks(id)))
	})
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return err
	}
	last, err := s.last(ctx, b, b.chunks(id))
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return err
	}
	if first != nil && last != nil {
		for seq := first.Sequence + purgeStep; seq < min(last.Sequence, before); seq += purgeStep {
			if err := s.purgeOnce(ctx, b, subject, jetstream.WithPurgeSequence(seq)); err != nil {
				return err
			}
		}
	}
	return s.purgeOnce(ctx, b, subject, jetstream.WithPurgeSequence(before))
}

func (s *Store) purgeOnce(ctx context.Context, b *bucket, o ...jetstream.StreamPurgeOpt) error {
	return s.engine.Retry(ctx, sendRetry, func(ctx context.Context, _ bool) error { return b.stream.Purge(ctx, o...) })
}
