package objects

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

// sweepEvery is the time between two rounds of Tend.
const sweepEvery = time.Hour

// Tend sweeps at once and then every hour, until ctx ends. Several stores may do so at the
// same time. It logs failures and retries in the next round.
func (s *Store) Tend(ctx context.Context, days int) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		swept, err := s.Sweep(ctx, days)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Warn("sweeping the documents", "error", err)
		case len(swept) > 0:
			s.log.Info("documents swept", "buckets", swept)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Sweep deletes the buckets of days more than days back, and returns their names. days must
// be at least 1, so that no bucket is swept that is still being written.
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

// days lists the existing buckets by their day.
func (s *Store) days(ctx context.Context) (map[int]string, error) {
	buckets := map[int]string{}
	names := s.reading.StreamNames(ctx)
	for name := range names.Name() {
		bucket, ok := strings.CutPrefix(name, streamName(""))
		date, dated := strings.CutPrefix(bucket, s.prefix+"-")
		if t, err := time.Parse(time.DateOnly, date); ok && dated && err == nil {
			buckets[day(t)] = bucket
		}
	}
	return buckets, names.Err()
}
