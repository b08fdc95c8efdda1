package objects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/docid"
)

// The links of a document that was only added are in its meta message. Once they have
// changed, a message of their own has all of them, and each change is conditional on the one
// before it: so Add never writes what Link writes. A message without any link says that the
// document is being removed.

func (b *bucket) links(id string) string { return "$O." + b.name + ".L.links." + id }

// sweeping is the subject of the message that says that a sweep reads the bucket's links, to
// delete the bucket if there are none.
func (b *bucket) sweeping() string { return "$O." + b.name + ".L.sweeping" }

// Link adds a link to a document.
func (s *Store) Link(ctx context.Context, id, to string) error {
	err := proxy.CheckLink(to)
	if err == nil {
		err = s.withBucket(ctx, id, failMissing, func(b *bucket) error {
			err := s.relink(ctx, b, id, func(l proxy.LinkList) (proxy.LinkList, bool) { return l.With(to, s.now()), true })
			if err != nil {
				return err
			}
			return s.linked(ctx, b, id)
		})
	}
	if err != nil {
		return fmt.Errorf("link the document %s: %w", id, storage(err))
	}
	return nil
}

// linked reports whether a link that was stored is sure to stay: neither a Remove nor a sweep
// that did not see it may delete the document.
func (s *Store) linked(ctx context.Context, b *bucket, id string) error {
	if _, err := s.last(ctx, b, b.sweeping()); !errors.Is(err, jetstream.ErrMsgNotFound) {
		if err == nil {
			err = bridge.NewError(bridge.CodeBusy, "the documents of that day are being swept")
		}
		return err
	}
	_, err := s.described(ctx, b, id)
	if bridge.CodeOf(storage(err)) == bridge.CodeDocument {
		return errors.Join(err, s.purgeOnce(ctx, b, jetstream.WithPurgeSubject(b.links(id))))
	}
	return err
}

// described reads a document's description from the leader.
func (s *Store) described(ctx context.Context, b *bucket, id string) (proxy.Document, error) {
	d, _, err := s.describedMeta(ctx, b, id)
	return d, err
}

func (s *Store) describedMeta(ctx context.Context, b *bucket, id string) (d proxy.Document, info *meta, err error) {
	m, err := s.last(ctx, b, b.meta(id))
	if err != nil {
		return d, nil, err
	}
	info, err = parseMeta(m)
	if err == nil && info.Deleted {
		err = bridge.NewError(bridge.CodeDocument, "")
	}
	if err != nil {
		return d, nil, err
	}
	d, err = info.document()
	return d, info, err
}

// Unlink removes a link from a document, and the document with its last one.
func (s *Store) Unlink(ctx context.Context, id, to string) error {
	err := s.withBucket(ctx, id, failMissing, func(b *bucket) error {
		return s.unlink(ctx, b, id, func(l proxy.LinkList) (proxy.LinkList, bool) { return l.Without(to) })
	})
	if err = storage(err); err != nil && bridge.CodeOf(err) != bridge.CodeDocument {
		return fmt.Errorf("unlink the document %s: %w", id, err)
	}
	return nil
}

// unlink changes a document's links, and removes the document if none is left. A process that
// dies between the two leaves a document that cannot be linked; the next unlink, or a sweep,
// removes it.
func (s *Store) unlink(ctx context.Context, b *bucket, id string, change func(proxy.LinkList) (proxy.LinkList, bool)) error {
	dropped := false
	err := s.relink(ctx, b, id, func(l proxy.LinkList) (proxy.LinkList, bool) {
		left, changed := change(l)
		dropped = changed && len(left) == 0
		return left, changed
	})
	if errors.Is(err, errNoLinks) {
		dropped, err = true, nil
	}
	if err != nil || !dropped {
		return err
	}
	return s.remove(ctx, b, id)
}

var errNoLinks = errors.New("the document is being removed")

// relink changes a document's links by compare-and-set. An error that wraps errNoLinks is
// of code document-unknown.
func (s *Store) relink(ctx context.Context, b *bucket, id string, change func(proxy.LinkList) (proxy.LinkList, bool)) error {
	for {
		d, err := s.described(ctx, b, id)
		if err != nil {
			return err
		}
		links, seq, err := s.readLinks(ctx, b, d)
		if err != nil {
			return err
		}
		if seq > 0 && len(links) == 0 {
			return bridge.WrapError(bridge.CodeDocument, errNoLinks)
		}
		links, changed := change(links)
		if !changed {
			return nil
		}
		err = s.writeLinks(ctx, b, id, links, seq)
		if bridge.CodeOf(err) != bridge.CodeSuperseded {
			return err
		}
		// Another process was faster, or an earlier try of ours was stored.
	}
}

// readLinks returns the links of d, and the sequence of their own message; 0: they have none.
func (s *Store) readLinks(ctx context.Context, b *bucket, d proxy.Document) (links proxy.LinkList, seq uint64, err error) {
	m, err := s.last(ctx, b, b.links(d.ID))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return d.Links(), 0, nil
	}
	if err == nil {
		err = json.Unmarshal(m.Data, &links)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read the document's links: %w", err)
	}
	return links, m.Sequence, nil
}

func (s *Store) writeLinks(ctx context.Context, b *bucket, id string, links proxy.LinkList, seq uint64) error {
	data, err := json.Marshal(links)
	if err != nil {
		return fmt.Errorf("write the document's links: %w", err)
	}
	m := &nats.Msg{Subject: b.links(id), Data: data, Header: nats.Header{
		jetstream.MsgRollup:                 {jetstream.MsgRollupSubject},
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(seq, 10)},
	}}
	_, err = s.send(ctx, m)
	return err
}

// stillLinked returns the documents of a bucket whose links have changed and of which one is not
// older than t. The links of all others are as old as the documents.
func (s *Store) stillLinked(ctx context.Context, b *bucket, t time.Time) (map[string]bool, error) {
	subjects, err := s.subjects(ctx, b, b.links("*"))
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, subject := range slices.Sorted(maps.Keys(subjects)) {
		id := strings.TrimPrefix(subject, b.links(""))
		d, info, err := s.describedMeta(ctx, b, id)
		if code := bridge.CodeOf(storage(err)); code == bridge.CodeDocument {
			continue // it was removed
		}
		if err != nil {
			return nil, err
		}
		links, _, err := s.readLinks(ctx, b, d)
		if err != nil {
			return nil, err
		}
		if links.Since(t) {
			ids[id], ids[info.NUID] = true, true
		}
	}
	return ids, nil
}

// thin removes everything from a bucket that is not of one of the ids. A document that is
// linked meanwhile stays.
func (s *Store) thin(ctx context.Context, b *bucket, ids map[string]bool, t time.Time) error {
	items, err := s.items(ctx, b.name)
	if err != nil {
		return err
	}
	for _, item := range items {
		id := item.Document.ID
		switch {
		case ids[id]:
		case item.Staged:
			err = s.discard(ctx, b, id)
		default:
			err = s.unlink(ctx, b, id, func(l proxy.LinkList) (proxy.LinkList, bool) { return nil, !l.Since(t) })
		}
		if err != nil && bridge.CodeOf(storage(err)) != bridge.CodeDocument {
			return err
		}
	}
	return nil
}

// sweepBucket deletes a bucket in which no link is younger than the first day that stays; it
// thins one in which any is.
func (s *Store) sweepBucket(ctx context.Context, name string, before int) (deleted bool, err error) {
	stream, err := s.stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	b, t := &bucket{name: name, stream: stream}, docid.Epoch.AddDate(0, 0, before)
	kept, err := s.stillLinked(ctx, b, t)
	if err == nil && len(kept) == 0 {
		// From this message on no new link is sure, so that those that are there now decide.
		if _, err = s.send(ctx, &nats.Msg{Subject: b.sweeping()}); err == nil {
			kept, err = s.stillLinked(ctx, b, t)
		}
	}
	if err != nil {
		return false, err
	}
	if len(kept) == 0 {
		err := s.reading.DeleteStream(ctx, streamName(name))
		if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return false, err
		}
		s.forget(name)
		return true, nil
	}
	if err := s.purgeOnce(ctx, b, jetstream.WithPurgeSubject(b.sweeping())); err != nil {
		return false, err
	}
	return false, s.thin(ctx, b, kept, t)
}
