package objects

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
)

// Add makes a document of the staged content of d.ID, if that ends at d.Size with the
// digest d.SHA256. Adding it again replaces its description.
func (s *Store) Add(ctx context.Context, d proxy.Document) (string, error) {
	err := s.withBucket(ctx, d.ID, createMissing, func(b *bucket) error { return s.add(ctx, b, d) })
	if err != nil {
		return "", fmt.Errorf("add the document %s: %w", d.ID, storage(err))
	}
	return d.ID, nil
}

func (s *Store) add(ctx context.Context, b *bucket, d proxy.Document) error {
	if err := d.CheckLengths(); err != nil {
		return err
	}
	// This process knows the end of content that it wrote itself. If its writer has
	// been superseded, the engine refuses the meta message, and the end is read from
	// the stream.
	if w := s.recent.get(d.ID); w != nil {
		if end, ok := w.end(); ok {
			if err := s.describe(ctx, b, d, end, w.lease); bridge.CodeOf(err) == "" {
				return err
			}
		}
	}
	end, lease, err := s.end(ctx, b, d.ID)
	if err != nil {
		return err
	}
	return s.describe(ctx, b, d, end, lease)
}

// describe publishes the meta message under the lease that the content's end was found
// under, so that a Discard comes entirely before or entirely after it.
func (s *Store) describe(ctx context.Context, b *bucket, d proxy.Document, end tail, lease uint64) error {
	if err := s.check(ctx, b, d, end); err != nil {
		return err
	}
	if end.index.partial() {
		// Another process wrote the content, and Add is repeated.
		if old, err := s.info(ctx, b, d.ID); err == nil {
			end.index = end.index.after(old.index)
		}
	}
	m, err := b.description(s.objectInfo(b, d, end))
	if err != nil {
		return err
	}
	if x := end.index.encode(); x != "" {
		m.Header[headerIndex] = []string{x}
	}
	b.under(m, d.ID, lease)
	_, err = s.send(ctx, m)
	return err
}

func (s *Store) check(ctx context.Context, b *bucket, d proxy.Document, end tail) error {
	if end.size != d.Size {
		return bridge.NewError(bridge.CodeDigest, fmt.Sprintf("%d bytes are stored of a file of %d", end.size, d.Size))
	}
	sum, err := end.sum()
	if err != nil {
		return err
	}
	if sum != d.SHA256 {
		return bridge.NewError(bridge.CodeDigest, "")
	}
	n, err := s.count(ctx, b, d.ID)
	if err != nil {
		return err
	}
	if n != end.chunks {
		return bridge.NewError(bridge.CodeDigest, "a part of the stored file is missing")
	}
	return nil
}

// Open opens a document for reading. The reader ends with Close, not with ctx.
func (s *Store) Open(ctx context.Context, id string) (proxy.Content, error) {
	var r *reader
	err := s.withBucket(ctx, id, failMissing, func(b *bucket) error {
		info, err := s.info(ctx, b, id)
		if err != nil {
			return err
		}
		if info.Deleted {
			return bridge.NewError(bridge.CodeDocument, "")
		}
		d, err := info.document()
		if err == nil {
			r = s.reader(b, d, info.NUID, info.index)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the document %s: %w", id, storage(err))
	}
	return r, nil
}

// Remove deletes a document; for an unknown id it does nothing.
func (s *Store) Remove(ctx context.Context, id string) error {
	err := s.withBucket(ctx, id, failMissing, func(b *bucket) error { return s.remove(ctx, b, id) })
	if err = storage(err); err != nil && bridge.CodeOf(err) != bridge.CodeDocument {
		return fmt.Errorf("remove the document %s: %w", id, err)
	}
	return nil
}

// remove is a deletion by the layout: the meta message says so, and the chunks before it are
// purged. If the document is deleted already, that is only repeated.
func (s *Store) remove(ctx context.Context, b *bucket, id string) error {
	info, err := s.info(ctx, b, id)
	if err != nil {
		return err
	}
	if info.Deleted {
		return s.purgeAll(ctx, b, id, info.NUID, info.seq)
	}
	s.recent.drop(id)
	info.Deleted = true
	info.Size, info.Chunks, info.Digest = 0, 0, ""
	m, err := b.description(&info.ObjectInfo)
	if err != nil {
		return err
	}
	ack, err := s.send(ctx, m)
	if err != nil {
		return err
	}
	return s.purgeAll(ctx, b, id, info.NUID, ack.Sequence)
}

// purgeAll deletes what belonged to the document.
func (s *Store) purgeAll(ctx context.Context, b *bucket, id, content string, before uint64) error {
	if content != id {
		if err := s.purgeContent(ctx, b, id, content, before); err != nil && bridge.CodeOf(storage(err)) != bridge.CodeDocument {
			return err
		}
	}
	if err := s.purge(ctx, b, id, before); err != nil {
		return err
	}
	return s.purgeOnce(ctx, b, jetstream.WithPurgeSubject(b.links(id)))
}
