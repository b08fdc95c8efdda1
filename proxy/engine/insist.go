package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrUnanswered: the store has not answered, and what it was asked to do may have
// been done.
var ErrUnanswered = errors.New("the engine did not answer in time")

// Answers of the server that the client does not name (nats-server's
// errors.json).
const (
	accountExceeded       jetstream.ErrorCode = 10002
	insufficientResources jetstream.ErrorCode = 10023
	storageExceeded       jetstream.ErrorCode = 10047
	streamStoreFailed     jetstream.ErrorCode = 10077
	duplicateInProcess    jetstream.ErrorCode = 10158
)

const insistPause = 50 * time.Millisecond

// Patience is how long [Engine.Insist] waits.
type Patience struct {
	// Whole is for the answer. A cluster looks for another leader for up to 10 s.
	Whole time.Duration
	// Try is for one try: what reached a leader on its way out, or a connection
	// that broke, is never answered.
	Try time.Duration
}

// Insist does what may be done twice until it is done or refused, patience is at
// its end, or the store is known not to take it. again tells that an earlier try
// went unanswered, and may yet have its effect.
func (e *Engine) Insist(ctx context.Context, p Patience, do func(ctx context.Context, again bool) error) error {
	whole, cancel := context.WithTimeout(ctx, p.Whole)
	defer cancel()
	for again := false; ; again = true {
		once, cancel := context.WithTimeout(whole, p.Try)
		err := do(once, again)
		cancel()
		if err == nil || !e.Passing(err) {
			return err
		}
		if trouble := e.Trouble(); trouble != nil {
			return trouble
		}
		select {
		case <-whole.Done():
			return errors.Join(cmp.Or(ctx.Err(), ErrUnanswered), err)
		case <-time.After(insistPause):
		}
	}
}

// Passing reports whether the answer may be another in a moment. A wrong
// sequence without the right one means that a message which the comparison is
// about is itself not yet applied: the next answer is the true one.
func (e *Engine) Passing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return passingCode(api)
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return e.replicas > 1 // no leader, or no stream; alone there is always a leader
	}
	for _, lost := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrDisconnected, nats.ErrReconnectBufExceeded,
		nats.ErrConnectionReconnecting, jetstream.ErrConsumerLeadershipChanged, jetstream.ErrServerShutdown,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}

func passingCode(api *jetstream.APIError) bool {
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequenceConstant, duplicateInProcess:
		return true
	}
	return api.Code >= 500 && !full(api)
}

// Full reports whether the store has refused to take more.
func Full(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && full(api)
}

func full(api *jetstream.APIError) bool {
	switch api.ErrorCode {
	case accountExceeded, insufficientResources, storageExceeded, streamStoreFailed:
		return true
	}
	return false
}
