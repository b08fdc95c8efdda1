package deliver

import (
	"context"
	"fmt"
	"math"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

const consumerName = "deliver"

func (l *Loop) openQueue(ctx context.Context) (*engine.Queue, error) {
	r := l.cfg.Records
	return r.engine.OpenQueue(ctx, r.stream, jetstream.ConsumerConfig{
		Durable:       consumerName,
		Description:   "delivers uploads",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       l.cfg.Lease,
		MaxDeliver:    -1,
		MaxAckPending: -1, // messages that wait for their next try must not block the others
	})
}

// Queue returns how many changes of records no loop has taken yet, and how many uploads are
// taken: being worked on, or waiting for their next try. It is the same for every loop.
func (l *Loop) Queue(ctx context.Context) (waiting, taken int, err error) {
	info, err := l.consumerInfo(ctx)
	if err != nil {
		return 0, 0, err
	}
	return int(info.NumPending), info.NumAckPending, nil
}

// auditedUpTo is the revision up to which the ends of all records are in the audit log.
func (l *Loop) auditedUpTo(ctx context.Context) (revision uint64, err error) {
	if l.cfg.Audit == nil {
		return math.MaxUint64, nil
	}
	info, err := l.consumerInfo(ctx)
	if err != nil {
		return 0, err
	}
	return info.AckFloor.Stream, nil
}

func (l *Loop) consumerInfo(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	consumer, err := l.cfg.Records.stream.Consumer(ctx, consumerName)
	if err != nil {
		return nil, fmt.Errorf("get the delivery queue's state: %w", err)
	}
	return consumer.CachedInfo(), nil
}
