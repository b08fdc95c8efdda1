package objects

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// sequenceNotFound is an error code of the server that the client does not name
// (nats-server's errors.json).
const sequenceNotFound jetstream.ErrorCode = 10043

// storage translates an engine's error to one with a code that users may see.
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
	if engine.Full(err) {
		return bridge.WrapError(bridge.CodeStorageFull, err)
	}
	return bridge.WrapError(bridge.CodeStorageUnavailable, err)
}
