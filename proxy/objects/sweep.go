package objects

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"attache/proxy"
	"attache/proxy/docid"
)

// Sweep deletes the buckets of days more than days back, and returns their names. A bucket
// stays, as it is, as long as a record links anything in it; nil: none does. Of one with
// documents that have a younger link, only those stay. days must be at
// least 1, so that no bucket is swept that is still being written.
func (s *Store) Sweep(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
	if days < 1 {
		return nil, fmt.Errorf("sweep documents older than %d days: at least 1", days)
	}
	swept, err := s.sweep(ctx, docid.Day(s.now())-days, linked)
	if err != nil {
		return swept, fmt.Errorf("sweep documents: %w", storage(err))
	}
	return swept, nil
}

func (s *Store) sweep(ctx context.Context, before int, linked proxy.Linked) (swept []string, err error) {
	buckets, err := s.days(ctx)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(buckets, func(d int, _ string) bool { return d >= before })
	if len(buckets) == 0 {
		return nil, nil
	}
	needed, err := neededDays(ctx, linked)
	if err != nil {
		return nil, err
	}
	for _, d := range slices.Sorted(maps.Keys(buckets)) {
		if needed[d] {
			continue
		}
		deleted, err := s.sweepBucket(ctx, buckets[d], before)
		if err != nil {
			return swept, err
		}
		if deleted {
			swept = append(swept, buckets[d])
		}
	}
	return swept, nil
}

// neededDays returns the days with anything linked.
func neededDays(ctx context.Context, linked proxy.Linked) (map[int]bool, error) {
	if linked == nil {
		return nil, nil
	}
	ids, err := linked(ctx)
	needed := map[int]bool{}
	for id := range ids {
		if d, err := docid.DayOf(id); err == nil { // it may be another store's
			needed[d] = true
		}
	}
	return needed, err
}

// days lists the existing buckets by their day.
func (s *Store) days(ctx context.Context) (map[int]string, error) {
	buckets := map[int]string{}
	names := s.reading.StreamNames(ctx)
	for name := range names.Name() {
		bucket, ok := strings.CutPrefix(name, streamName(""))
		date, dated := strings.CutPrefix(bucket, s.prefix+"-")
		if day, valid := docid.ParseDate(date); ok && dated && valid {
			buckets[day] = bucket
		}
	}
	return buckets, names.Err()
}
