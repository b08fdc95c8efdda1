package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// open opens the file for this process alone. The lock is the kernel's, on the open
// file: a killed process leaves no lock, and a renamed file stays locked.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// release unlocks the file and closes it. To close it is not enough: a process that is
// being started holds a copy of every descriptor until it executes its own program.
func release(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

func lock(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open the audit log: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("the audit log %s is not a regular file: name one that is", f.Name())
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("the audit log %s is in use by another process: give each proxy a file of its own", f.Name())
	}
	if err != nil {
		return fmt.Errorf("lock the audit log: %w", err)
	}
	return flushName(f.Name())
}

// flushName makes a new file's name as durable as its lines.
func flushName(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open the audit log's directory: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("flush the audit log's directory: %w", err)
	}
	return nil
}
