package deliver

import (
	"context"
	"fmt"
	"math"

	"github.com/nats-io/nats.go/jetstream"
)

// Queue asks the engine how many changes of records no loop has taken yet, and
// how many uploads are taken: being worked on, or waiting for their next try.
// It is the same whichever loop asks.
func (l *Loop) Queue(ctx context.Context) (waiting, taken int, err error) {
	info, err := l.look(ctx)
	if err != nil {
		return 0, 0, err
	}
	return int(info.NumPending), info.NumAckPending, nil
}

// noted is the revision up to which no record's end waits for its audit line.
func (l *Loop) noted(ctx context.Context) (revision uint64, err error) {
	if l.Audit == nil {
		return math.MaxUint64, nil
	}
	info, err := l.look(ctx)
	if err != nil {
		return 0, err
	}
	return info.AckFloor.Stream, nil
}

func (l *Loop) look(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	consumer, err := l.Records.stream.Consumer(ctx, consumerName)
	if err != nil {
		return nil, fmt.Errorf("ask for the delivery queue: %w", err)
	}
	return consumer.CachedInfo(), nil
}
