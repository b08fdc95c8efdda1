package ucs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Sweep deletes whole buckets: those of days that lie more than days back. It
// returns their names. days must be at least 1, so that nothing is swept that
// is still being written.
func (s *Store) Sweep(ctx context.Context, days int) ([]string, error) {
	if days < 1 {
		return nil, fmt.Errorf("sweep documents older than %d days: at least 1", days)
	}
	swept, err := s.sweep(ctx, day(s.now())-days)
	if err != nil {
		return swept, fmt.Errorf("sweep documents: %w", storage(err))
	}
	return swept, nil
}

func (s *Store) sweep(ctx context.Context, before int) (swept []string, err error) {
	buckets, err := s.days(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range slices.Sorted(maps.Keys(buckets)) {
		if d >= before {
			break
		}
		err := s.reading.DeleteStream(ctx, streamName(buckets[d]))
		if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return swept, err
		}
		s.forget(buckets[d])
		swept = append(swept, buckets[d])
	}
	return swept, nil
}

// Abandoned lists the ids of staged content that has not become a document, in
// the buckets of days that lie more than days back. Whoever knows that no
// upload is behind an id may Discard it.
func (s *Store) Abandoned(ctx context.Context, days int) ([]string, error) {
	ids, err := s.abandoned(ctx, day(s.now())-days)
	if err != nil {
		return nil, fmt.Errorf("look for abandoned content: %w", storage(err))
	}
	return ids, nil
}

func (s *Store) abandoned(ctx context.Context, before int) (ids []string, err error) {
	buckets, err := s.days(ctx)
	if err != nil {
		return nil, err
	}
	for d, name := range buckets {
		if d >= before {
			continue
		}
		staged, err := s.staged(ctx, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, staged...)
	}
	slices.Sort(ids)
	return ids, nil
}

// staged lists what has chunks and no meta message, by the server's count of
// messages a subject, which reads none.
func (s *Store) staged(ctx context.Context, name string) (ids []string, err error) {
	stream, err := s.stream(ctx, name)
	if err != nil {
		return nil, err
	}
	b := &bucket{name: name, stream: stream}
	chunks, err := s.subjects(ctx, b, b.chunks(">"))
	if err != nil {
		return nil, err
	}
	metas, err := s.subjects(ctx, b, "$O."+name+".M.>")
	if err != nil {
		return nil, err
	}
	for subject := range chunks {
		id := strings.TrimPrefix(subject, b.chunks(""))
		if _, complete := metas[b.meta(id)]; !complete {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// days lists the buckets there are by the day they are of.
func (s *Store) days(ctx context.Context) (map[int]string, error) {
	buckets := map[int]string{}
	names := s.reading.StreamNames(ctx)
	for name := range names.Name() {
		bucket, ok := strings.CutPrefix(name, streamName(""))
		date, dated := strings.CutPrefix(bucket, bucketPrefix)
		if t, err := time.Parse(time.DateOnly, date); ok && dated && err == nil {
			buckets[day(t)] = bucket
		}
	}
	return buckets, names.Err()
}
