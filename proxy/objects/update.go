package objects

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/docid"
)

// The bytes of an updated document are those of another object: by the layout, a meta message
// says which (NUID). That object is a document too, so that Discard leaves it.

// NewContent returns a fresh id for the content of an update of that document.
func (s *Store) NewContent(id string) (string, error) {
	day, err := docid.DayOf(id)
	if err != nil {
		return "", err
	}
	content := docid.New(docid.Epoch.AddDate(0, 0, day))
	s.recent.put(content, nil)
	return content, nil
}

// Describe returns a document's description.
func (s *Store) Describe(ctx context.Context, id string) (d proxy.Document, err error) {
	err = s.withBucket(ctx, id, failMissing, func(b *bucket) error {
		info, err := s.info(ctx, b, id)
		if err == nil && info.Deleted {
			err = bridge.NewError(bridge.CodeDocument, "")
		}
		if err == nil {
			d, err = info.document()
		}
		return err
	})
	if err != nil {
		return d, fmt.Errorf("describe the document %s: %w", id, storage(err))
	}
	return d, nil
}

// Update changes a document by compare-and-set.
func (s *Store) Update(ctx context.Context, d proxy.Document, staged string) error {
	err := d.CheckLengths()
	if err == nil {
		err = s.withBucket(ctx, d.ID, failMissing, func(b *bucket) error { return s.update(ctx, b, d, staged) })
	}
	if err != nil {
		return fmt.Errorf("update the document %s: %w", d.ID, storage(err))
	}
	return nil
}

func (s *Store) update(ctx context.Context, b *bucket, d proxy.Document, staged string) error {
	var content *meta
	for {
		known, old, err := s.describedMeta(ctx, b, d.ID)
		if err != nil {
			return err
		}
		next := *old
		next.Metadata = s.objectInfo(b, withOwner(d, known), tail{}).Metadata
		next.Description = d.Description
		if staged != "" && (d.Size != known.Size || d.SHA256 != known.SHA256) {
			if content == nil {
				if content, err = s.addContent(ctx, b, d, staged); err != nil {
					return err
				}
			}
			next.NUID, next.Size, next.Chunks, next.Digest, next.index = staged, content.Size, content.Chunks, content.Digest, content.index
		}
		seq, err := s.replaceMeta(ctx, b, &next)
		if bridge.CodeOf(err) == bridge.CodeSuperseded {
			continue // another process was faster, or an earlier try of ours was stored
		}
		if err != nil || next.NUID == old.NUID {
			return err
		}
		return s.purgeContent(ctx, b, d.ID, old.NUID, seq)
	}
}

// withOwner returns d with what an update does not change.
func withOwner(d, known proxy.Document) proxy.Document {
	d.Created, d.Session, d.UserID = known.Created, known.Session, known.UserID
	return d
}

// addContent makes a document of the staged content of an update.
func (s *Store) addContent(ctx context.Context, b *bucket, d proxy.Document, staged string) (*meta, error) {
	if day, err := docid.DayOf(staged); err != nil || s.bucketName(day) != b.name || staged == d.ID {
		return nil, bridge.NewError(bridge.CodeDocument, "the content of an update has an id of the document's day")
	}
	d.ID, d.Session = staged, ""
	if err := s.add(ctx, b, d); err != nil {
		return nil, err
	}
	_, content, err := s.describedMeta(ctx, b, staged)
	return content, err
}

// replaceMeta publishes a description in the place of the one that it was made of.
func (s *Store) replaceMeta(ctx context.Context, b *bucket, next *meta) (uint64, error) {
	m, err := b.description(&next.ObjectInfo)
	if err != nil {
		return 0, err
	}
	if x := next.index.encode(); x != "" {
		m.Header[headerIndex] = []string{x}
	}
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(next.seq, 10)}
	ack, err := s.send(ctx, m)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// purgeContent deletes the bytes that a document had: its own, or another object.
func (s *Store) purgeContent(ctx context.Context, b *bucket, id, content string, before uint64) error {
	if content == id {
		return s.purge(ctx, b, id, before)
	}
	return s.remove(ctx, b, content)
}
