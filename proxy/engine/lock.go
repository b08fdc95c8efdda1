package engine

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrInUse is the error of a data directory that another process has open.
var ErrInUse = errors.New("in use by another process")

// lock reserves the directory for this process. The kernel holds the lock on the
// open file, so it ends with a killed process; the file itself may stay.
func (v *volume) lock() (*os.File, error) {
	f, err := v.root.OpenFile("lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the data directory's lock: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("the data directory %s is %w: stop it, or give this one a directory of its own", v.path, ErrInUse)
	}
	return nil, fmt.Errorf("lock the data directory: %w", err)
}

// unlock releases the lock. To close the file is not enough: a process that is being
// started holds a copy of every descriptor until it executes its own program.
func unlock(f *os.File) {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	f.Close()
}
