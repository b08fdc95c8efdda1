package engine

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Error codes of the server that the client does not name (nats-server's errors.json).
const (
	accountExceeded       jetstream.ErrorCode = 10002
	insufficientResources jetstream.ErrorCode = 10023
	storageExceeded       jetstream.ErrorCode = 10047
	streamStoreFailed     jetstream.ErrorCode = 10077
	duplicateInProcess    jetstream.ErrorCode = 10158
)

// Overtaken reports whether a conditional write was refused because the last message
// of its subject is not the expected one.
func Overtaken(err error) bool { return code(err) == jetstream.JSErrCodeStreamWrongLastSequence }

// Unapplied reports whether a conditional write was refused because the message that
// it was compared with is not yet applied itself. The answer to a retry is definite.
func Unapplied(err error) bool {
	return code(err) == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// Full reports whether the store refused to take more.
func Full(err error) bool {
	switch code(err) {
	case accountExceeded, insufficientResources, storageExceeded, streamStoreFailed:
		return true
	}
	return false
}

// Transient reports whether a retry may be answered differently.
func (e *Engine) Transient(err error) bool {
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api):
		return Unapplied(err) || api.ErrorCode == duplicateInProcess || api.Code >= 500 && !Full(err)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		return e.replicas > 1 // no leader, or no stream; the embedded engine always has a leader
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

// code is the error code of the server's answer, 0 if err is not one.
func code(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return 0
	}
	return api.ErrorCode
}
