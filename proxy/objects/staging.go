package objects

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/docid"
)

// NewID returns a fresh document id.
func (s *Store) NewID() string {
	id := docid.New(s.now())
	s.recent.put(id, nil)
	return id
}

// Begin takes the right to write the content of id and continues after the last stored
// byte. If the id was made here and not begun, no other process can have begun it: it is
// written under lease 0, and nothing is requested or stored for that.
//
// Every chunk that is found was synced, so acked is not needed, and the object's description
// is written by Add.
func (s *Store) Begin(ctx context.Context, d proxy.Document, _ int64) (proxy.Writer, error) {
	id := d.ID
	var w *writer
	err := s.engine.AdmitWrite()
	if err == nil {
		err = s.withBucket(ctx, id, createMissing, func(b *bucket) (err error) {
			w, err = s.begin(ctx, b, id)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("begin the content of %s: %w", id, storage(err))
	}
	return w, nil
}

func (s *Store) begin(ctx context.Context, b *bucket, id string) (*writer, error) {
	if s.recent.unbegun(id) {
		return s.writer(b, id, 0, tail{})
	}
	lease, _, err := s.takeLease(ctx, b, id, nats.Header{})
	if err != nil {
		return nil, err
	}
	complete, err := s.complete(ctx, b, id)
	if err != nil {
		return nil, err
	}
	if complete {
		return nil, bridge.NewError(bridge.CodeUploadConflict, "the upload is complete already")
	}
	end, err := s.repair(ctx, b, id, lease)
	if err != nil {
		return nil, err
	}
	if old := s.recent.get(id); old != nil {
		known, _ := old.end()
		end.index = end.index.after(known.index)
	}
	return s.writer(b, id, lease, end)
}

// Staged opens the stored content of id.
func (s *Store) Staged(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	var r *reader
	err := s.withBucket(ctx, id, failMissing, func(b *bucket) error {
		end, _, err := s.end(ctx, b, id)
		if err == nil {
			r = s.reader(b, proxy.Document{ID: id, Size: end.size}, id, end.index)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the content of %s: %w", id, storage(err))
	}
	return r, nil
}

// Whole reports the end of the stored content of id, and reads nothing: each chunk was
// synced, and the last has the hash's state. The store does not know how long the file is to
// be.
func (s *Store) Whole(ctx context.Context, id string) (size int64, sum [32]byte, whole bool, err error) {
	var end tail
	err = s.withBucket(ctx, id, failMissing, func(b *bucket) error {
		end, whole, err = s.whole(ctx, b, id)
		return err
	})
	if bridge.CodeOf(err) == bridge.CodeDocument {
		end, whole, err = tail{}, true, nil // no byte of any content is stored
	}
	if err == nil {
		sum, err = end.sum()
	}
	if err != nil {
		return 0, sum, false, fmt.Errorf("check the content of %s: %w", id, storage(err))
	}
	return end.size, sum, whole, nil
}

// whole finds the end, and whether a chunk before it is missing.
func (s *Store) whole(ctx context.Context, b *bucket, id string) (end tail, whole bool, err error) {
	if end, _, err = s.end(ctx, b, id); err != nil {
		return end, false, err
	}
	n, err := s.count(ctx, b, id)
	return end, n == end.chunks, err
}

// Discard drops the content of id, unless it has become a document.
func (s *Store) Discard(ctx context.Context, id string) error {
	if s.recent.unbegun(id) {
		return nil
	}
	err := s.withBucket(ctx, id, failMissing, func(b *bucket) error { return s.discard(ctx, b, id) })
	if err != nil && bridge.CodeOf(err) != bridge.CodeDocument {
		return fmt.Errorf("discard the content of %s: %w", id, storage(err))
	}
	return nil
}

// discard leaves the leases: without them, the first writer would regain its right.
func (s *Store) discard(ctx context.Context, b *bucket, id string) error {
	_, seq, err := s.takeLease(ctx, b, id, nats.Header{headerDiscard: {"1"}})
	if err != nil {
		return err
	}
	s.recent.drop(id)
	complete, err := s.complete(ctx, b, id)
	if err != nil || complete {
		return err
	}
	return s.purge(ctx, b, id, seq)
}

// complete reports whether the content has become a document.
func (s *Store) complete(ctx context.Context, b *bucket, id string) (bool, error) {
	info, err := s.info(ctx, b, id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return !info.Deleted, nil
}
