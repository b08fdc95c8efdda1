package ucs

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// Answers of the server that the client does not name (nats-server's
// errors.json).
const (
	sequenceNotFound      jetstream.ErrorCode = 10043
	duplicateInProcess    jetstream.ErrorCode = 10158
	insufficientResources jetstream.ErrorCode = 10023
	storageExceeded       jetstream.ErrorCode = 10047
	accountExceeded       jetstream.ErrorCode = 10002
	streamStoreFailed     jetstream.ErrorCode = 10077
)

// storage gives an engine's error the code that a person may see.
func storage(err error) error {
	if err == nil || bridge.CodeOf(err) != "" {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return bridge.NewError(bridge.CodeDocument, "")
	}
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode {
		case insufficientResources, storageExceeded, accountExceeded, streamStoreFailed:
			return bridge.WrapError(bridge.CodeStorageFull, err)
		}
	}
	return bridge.WrapError(bridge.CodeStorageUnavailable, err)
}
