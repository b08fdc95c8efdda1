package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockDir reserves the directory for this process. The kernel holds the lock on the
// open file, so it ends with a killed process; the file itself may stay.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the data directory's lock: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("the data directory %s is in use by another process: stop it, or give this one a directory of its own", dir)
	}
	return nil, fmt.Errorf("lock the data directory: %w", err)
}

// unlockDir releases the lock. To close the file is not enough: a process that is being
// started holds a copy of every descriptor until it executes its own program.
func unlockDir(f *os.File) {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	f.Close()
}
