package files

import (
	"errors"
	"io"
)

// resync syncs a file that it may have to sync again after a failure. The bytes of a sync that
// has failed are not written by the next one, although that succeeds. So they are written
// again before it.
type resync struct{ failed bool }

func (r *resync) sync(f File) error {
	if r.failed {
		if err := rewrite(f); err != nil {
			return err
		}
	}
	err := f.Sync()
	r.failed = err != nil
	return err
}

// rewrite writes a file's bytes over themselves.
func rewrite(f File) error {
	piece := make([]byte, rebuildPiece)
	for at := int64(0); ; {
		n, err := f.ReadAt(piece, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			return nil
		}
		if _, err := f.WriteAt(piece[:n], at); err != nil {
			return err
		}
		at += int64(n)
	}
}
