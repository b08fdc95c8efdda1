package deliver

import (
	"context"
	"fmt"
)

// Queue asks the engine how many changes of records no loop has taken yet, and
// how many uploads are taken: being worked on, or waiting for their next try.
// It is the same whichever loop asks.
func (l *Loop) Queue(ctx context.Context) (waiting, taken int, err error) {
	consumer, err := l.Records.stream.Consumer(ctx, consumerName)
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the delivery queue: %w", err)
	}
	info := consumer.CachedInfo()
	return int(info.NumPending), info.NumAckPending, nil
}
