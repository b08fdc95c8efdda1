package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// attempt is how long one question to the engine waits. What reached a
	// leader on its way out is never answered.
	attempt = 2 * time.Second

	// patience is how long it is asked again: longer than a cluster looks for
	// another leader, which takes it up to 8 s.
	patience = 20 * time.Second
)

// insist asks until there is an answer. again tells that an earlier question
// went unanswered, and may yet have had its effect.
func insist(ctx context.Context, ask func(ctx context.Context, again bool) error) error {
	whole, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for again := false; ; again = true {
		once, cancel := context.WithTimeout(whole, attempt)
		err := ask(once, again)
		cancel()
		if !unanswered(err) || !wait(whole, 50*time.Millisecond) {
			return err
		}
	}
}

// unanswered reports whether the answer may be another in a moment. A wrong
// sequence without the right one says that a message which the comparison is
// about is itself not yet applied.
func unanswered(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
	}
	for _, lost := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, jetstream.ErrNoStreamResponse,
		nats.ErrDisconnected, nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}
