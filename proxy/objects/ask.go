package objects

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// patience is how long an answer may take: from a disk that is busy with
// everything the budget allows, or from a cluster that looks for a leader.
const patience = 30 * time.Second

// A question is soon asked again. Bytes may have to wait for a disk.
var (
	asking  = engine.RetryPolicy{Total: patience, PerTry: 2 * time.Second}
	sending = engine.RetryPolicy{Total: patience, PerTry: 5 * time.Second}
)

// ask insists on the answer to a question that changes nothing, or nothing more
// when it is asked again.
func ask[T any](ctx context.Context, s *Store, question func(context.Context) (T, error)) (answer T, err error) {
	err = s.engine.Retry(ctx, asking, func(ctx context.Context, _ bool) (err error) {
		answer, err = question(ctx)
		return err
	})
	return answer, err
}

// send publishes a message, such that twice is as good as once, and waits for
// its acknowledgement.
func (s *Store) send(ctx context.Context, m *nats.Msg) (ack *jetstream.PubAck, err error) {
	err = s.engine.Retry(ctx, sending, func(ctx context.Context, _ bool) (err error) {
		ack, err = s.publish.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
		return err
	})
	return ack, refused(err)
}

// refused translates the server's comparison of the fence.
func refused(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return bridge.NewError(bridge.CodeSuperseded, "")
	}
	return err
}
