package objects

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// A lease is the right to write one object's content. Leases are numbered from
// 0; each but the first is an empty message on a subject of its own, and it
// ends when there is a message on the next one's. So the condition of each chunk is
// the absence of a message, which the server finds in its index. To compare the
// sequence of an existing message, it would load that message's block of 8 MiB: with
// a hundred uploads that were resumed at different times, that is a gigabyte.

func (b *bucket) lease(id string, number uint64) string {
	return "$O." + b.name + ".L." + id + "." + strconv.FormatUint(number, 10)
}

// under makes the server refuse m once the lease has ended.
func (b *bucket) under(m *nats.Msg, id string, lease uint64) {
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{"0"}
	m.Header[jetstream.ExpectedLastSubjSeqSubjHeader] = []string{b.lease(id, lease+1)}
}

// currentLease finds the highest lease taken. The server counts the messages of a subject
// without reading them.
func (s *Store) currentLease(ctx context.Context, b *bucket, id string) (current uint64, err error) {
	prefix := strings.TrimSuffix(b.lease(id, 0), "0")
	info, err := s.subjects(ctx, b, prefix+"*")
	if err != nil {
		return 0, err
	}
	for subject := range info {
		n, err := strconv.ParseUint(strings.TrimPrefix(subject, prefix), 10, 64)
		if err != nil {
			return 0, err
		}
		current = max(current, n)
	}
	return current, nil
}

// headerDiscard on a lease's message says that the lease was taken to discard the content.
// Chunks under earlier leases are void from then on, even before they are purged.
const headerDiscard = "Attache-Discard"

// takeLease ends every earlier lease. Each chunk under those is before seq.
func (s *Store) takeLease(ctx context.Context, b *bucket, id string, header nats.Header) (lease, seq uint64, err error) {
	if lease, err = s.currentLease(ctx, b, id); err != nil {
		return 0, 0, err
	}
	for {
		m := &nats.Msg{Subject: b.lease(id, lease+1), Header: maps.Clone(header)}
		b.under(m, id, lease)
		ack, err := s.send(ctx, m)
		if err == nil {
			return lease + 1, ack.Sequence, nil
		}
		if bridge.CodeOf(err) != bridge.CodeSuperseded {
			return 0, 0, err
		}
		// Another process was faster, or an earlier try of ours was stored.
		lease++
	}
}

// discarded reports whether the lease was taken to discard the content, and did: a document
// that was made before the lease is left.
func (s *Store) discarded(ctx context.Context, b *bucket, id string, lease uint64) (bool, error) {
	m, err := s.last(ctx, b, b.lease(id, lease))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil || m.Header.Get(headerDiscard) == "" {
		return false, err
	}
	complete, err := s.complete(ctx, b, id)
	return !complete, err
}
