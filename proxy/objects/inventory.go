package objects

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"attache/proxy"
)

// Item is content of one day.
type Item struct {
	// Document describes a document. Of staged content only ID and Size are known.
	Document proxy.Document
	Staged   bool
}

// Days lists the days that have content, the oldest first, each with its size in bytes.
func (s *Store) Days(ctx context.Context) (days []Day, err error) {
	buckets, err := s.days(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the documents: %w", storage(err))
	}
	for _, d := range slices.Sorted(maps.Keys(buckets)) {
		stream, err := s.stream(ctx, buckets[d])
		if err != nil {
			return nil, fmt.Errorf("list the documents: %w", storage(err))
		}
		days = append(days, Day{buckets[d], int64(stream.CachedInfo().State.Bytes)})
	}
	return days, nil
}

// Day is the bucket of one day.
type Day struct {
	Bucket string
	Bytes  int64
}

// Items lists what a day has.
func (s *Store) Items(ctx context.Context, d Day) (list []Item, err error) {
	if list, err = s.items(ctx, d.Bucket); err != nil {
		return nil, fmt.Errorf("list the documents of %s: %w", d.Bucket, storage(err))
	}
	return list, nil
}

func (s *Store) items(ctx context.Context, name string) (list []Item, err error) {
	stream, err := s.stream(ctx, name)
	if err != nil {
		return nil, err
	}
	b := &bucket{name: name, stream: stream}
	known := map[string]bool{}
	described, err := s.subjects(ctx, b, "$O."+name+".M.>")
	if err != nil {
		return nil, err
	}
	for _, subject := range slices.Sorted(maps.Keys(described)) {
		encoded := strings.TrimPrefix(subject, "$O."+name+".M.")
		id, err := base64.URLEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("the description %s is of no document: %w", subject, err)
		}
		info, err := s.info(ctx, b, string(id))
		if err != nil {
			return nil, err
		}
		known[string(id)] = true
		if info.Deleted {
			continue
		}
		d, err := info.document()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		list = append(list, Item{Document: d})
	}
	chunks, err := s.subjects(ctx, b, "$O."+name+".C.>")
	if err != nil {
		return nil, err
	}
	for _, subject := range slices.Sorted(maps.Keys(chunks)) {
		id := strings.TrimPrefix(subject, "$O."+name+".C.")
		if known[id] {
			continue
		}
		end, _, err := s.end(ctx, b, id)
		if err != nil {
			return nil, err
		}
		list = append(list, Item{Document: proxy.Document{ID: id, Size: end.size}, Staged: true})
	}
	return list, nil
}

// Drop deletes a day.
func (s *Store) Drop(ctx context.Context, d Day) error {
	s.forget(d.Bucket)
	if err := s.reading.DeleteStream(ctx, streamName(d.Bucket)); err != nil {
		return fmt.Errorf("delete %s: %w", d.Bucket, storage(err))
	}
	return nil
}
