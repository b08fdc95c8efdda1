package objects

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
)

// NewID returns a fresh document id.
func (s *Store) NewID() string {
	id := newID(s.now())
	s.recent.put(id, nil)
	return id
}

// Begin takes the right to write the content of id and continues after the last stored
// byte. If the id was made here and not begun, no other process can have begun it: it is
// written under lease 0, and nothing is requested or stored for that.
func (s *Store) Begin(ctx context.Context, id string) (proxy.Writer, error) {
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
	lease, err := s.takeLease(ctx, b, id)
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
			r = s.reader(b, proxy.Document{ID: id, Size: end.size}, end.index)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the content of %s: %w", id, storage(err))
	}
	return r, nil
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
	if _, err := s.takeLease(ctx, b, id); err != nil {
		return err
	}
	s.recent.drop(id)
	complete, err := s.complete(ctx, b, id)
	if err != nil || complete {
		return err
	}
	return s.purge(ctx, b, id)
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
