package ucs

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// patience is how long an answer may take: from a disk that is busy with
// everything the budget allows, or from a cluster that looks for a leader,
// which takes it up to 8 s.
const patience = 30 * time.Second

// How long one try waits. What reached a leader on its way out, or a connection
// that broke, is never answered, and nobody answers for a leader that is looked
// for; so a question is soon asked again. Bytes may have to wait for a disk.
const (
	askAttempt = 2 * time.Second
	attempt    = 5 * time.Second
)

var errUnanswered = errors.New("the engine did not answer in time")

// insist does what may be done twice until it is done, refused, or patience is
// at its end.
func (s *Store) insist(ctx context.Context, attempt time.Duration, do func(context.Context) error) error {
	whole, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		once, cancel := context.WithTimeout(whole, attempt)
		err := do(once)
		cancel()
		if err == nil || !s.transient(err) {
			return err
		}
		if trouble := s.engine.Trouble(); trouble != nil {
			return trouble
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-whole.Done():
			return errors.Join(errUnanswered, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ask insists on the answer to a question that changes nothing, or nothing more
// when it is asked again.
func ask[T any](ctx context.Context, s *Store, question func(context.Context) (T, error)) (answer T, err error) {
	err = s.insist(ctx, askAttempt, func(ctx context.Context) (err error) {
		answer, err = question(ctx)
		return err
	})
	return answer, err
}

// transient tells whether the answer may be another in a moment. A wrong
// sequence without the right one means that a message which the comparison is
// about is itself not yet applied: the next answer is the true one.
func (s *Store) transient(err error) bool {
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api):
		return transientCode(api)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		// No leader, or no stream; alone there is always a leader.
		return s.engine.Replicas() > 1
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrDisconnected) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrTimeout)
}

func transientCode(api *jetstream.APIError) bool {
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequenceConstant, duplicateInProcess:
		return true
	case insufficientResources, storageExceeded, accountExceeded, streamStoreFailed:
		return false
	}
	return api.Code >= 500
}

// send publishes a message, such that twice is as good as once, and waits for
// its acknowledgement.
func (s *Store) send(ctx context.Context, m *nats.Msg) (ack *jetstream.PubAck, err error) {
	err = s.insist(ctx, attempt, func(ctx context.Context) (err error) {
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
