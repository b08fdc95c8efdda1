package objects

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/docid"
)

// bucket is one day's object store. Subjects and stream follow the layout of NATS' ADR-20,
// with one more subject for leases.
type bucket struct {
	name   string
	stream jetstream.Stream
}

func (s *Store) bucketName(day int) string {
	return s.prefix + "-" + docid.Date(day)
}

func streamName(bucket string) string { return "OBJ_" + bucket }

func (b *bucket) chunks(id string) string { return "$O." + b.name + ".C." + id }
func (b *bucket) meta(id string) string {
	return "$O." + b.name + ".M." + base64.URLEncoding.EncodeToString([]byte(id))
}

func (s *Store) config(name string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        streamName(name),
		Description: "Attaché documents of one day",
		Subjects:    []string{"$O." + name + ".C.>", "$O." + name + ".M.>", "$O." + name + ".L.>"},
		Storage:     jetstream.FileStorage,
		Replicas:    s.engine.Replicas(),
		MaxBytes:    -1,
		Discard:     jetstream.DiscardNew,
		AllowRollup: true,
		AllowDirect: true,
		Duplicates:  time.Minute,
	}
}

// withBucket runs do with the bucket of id; missing creates or refuses a bucket that does
// not exist. The cached bucket may be out of date, because another process's Sweep deleted
// it: then do runs once more.
func (s *Store) withBucket(ctx context.Context, id string, missing missing, do func(*bucket) error) error {
	b, err := s.bucket(ctx, id, missing)
	if err != nil {
		return err
	}
	if err = do(b); !gone(err) {
		return err
	}
	s.forget(b.name)
	if b, err = s.bucket(ctx, id, missing); err != nil {
		return err
	}
	return do(b)
}

// gone reports whether the bucket's stream does not exist.
func gone(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}

// missing is called for a bucket that does not exist.
type missing func(s *Store, ctx context.Context, name string) (jetstream.Stream, error)

func failMissing(*Store, context.Context, string) (jetstream.Stream, error) {
	return nil, bridge.NewError(bridge.CodeDocument, "")
}

// createMissing opens the stream as it is if another process, or another version with
// another configuration, creates it at the same time.
func createMissing(s *Store, ctx context.Context, name string) (jetstream.Stream, error) {
	stream, err := retry(ctx, s, func(ctx context.Context) (jetstream.Stream, error) {
		return s.reading.CreateStream(ctx, s.config(name))
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return s.stream(ctx, name)
	}
	return stream, err
}

func (s *Store) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	return retry(ctx, s, func(ctx context.Context) (jetstream.Stream, error) {
		return s.reading.Stream(ctx, streamName(name))
	})
}

func (s *Store) bucket(ctx context.Context, id string, missing missing) (*bucket, error) {
	day, err := docid.DayOf(id)
	if err != nil {
		return nil, err
	}
	name := s.bucketName(day)
	s.mu.Lock()
	b := s.buckets[name]
	s.mu.Unlock()
	if b != nil {
		return b, nil
	}
	stream, err := s.stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = missing(s, ctx, name)
	}
	if err != nil {
		return nil, err
	}
	b = &bucket{name: name, stream: stream}
	s.mu.Lock()
	s.buckets[name] = b
	s.mu.Unlock()
	return b, nil
}

func (s *Store) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buckets, name)
}
