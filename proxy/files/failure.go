package files

import (
	"context"
	"errors"
	"syscall"

	"attache/bridge"
)

var (
	errIrregular  = errors.New("the document store has regular files and directories only")
	errClosed     = errors.New("the document store has closed")
	errUnrepaired = errors.New("the staged file could not be cut to its durable length")
	errDocument   = errors.New("the content has become a document")
	errShort      = errors.New("the staged file is shorter than what was written to it")
)

// storage gives an error of the disk a code that users may see.
func storage(err error) error {
	switch {
	case err == nil, bridge.CodeOf(err) != "", errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return bridge.WrapError(bridge.CodeStorageFull, err)
	}
	return bridge.WrapError(bridge.CodeStorageUnavailable, err)
}

// report notifies the volume of a failed write, and returns the error with its code.
func (s *Store) report(err error) error {
	if failed, ok := errors.AsType[*writeError](err); ok {
		failed.opening.volume.WriteFailed(err)
	}
	return storage(err)
}
