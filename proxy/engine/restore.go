package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// While a directory is being restored it has this file, so that no proxy takes the part that
// is there for the whole.
const restoringFile = "restoring"

// BeginRestore marks a directory, which must exist, as one that is being restored.
func BeginRestore(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, restoringFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(f.Close(), syncPath(dir))
	}
	if err != nil {
		return fmt.Errorf("mark the data directory as being restored: %w", err)
	}
	return nil
}

// EndRestore makes everything in the directory durable, and removes the mark.
func EndRestore(dir string) error {
	err := syncTree(dir)
	if err == nil {
		err = errors.Join(os.Remove(filepath.Join(dir, restoringFile)), syncPath(dir))
	}
	if err != nil {
		return fmt.Errorf("make the restored data directory durable: %w", err)
	}
	return nil
}

// backupFile is in every backup (package backup), and in no data directory.
const backupFile = "manifest.json"

func checkRestore(dir string, restoring bool) error {
	if _, err := os.Lstat(filepath.Join(dir, backupFile)); err == nil {
		return fmt.Errorf("%s is a backup, not a data directory: make one of it with attache restore", dir)
	}
	_, err := os.Lstat(filepath.Join(dir, restoringFile))
	switch {
	case err == nil && !restoring:
		return fmt.Errorf("the data directory %s is not whole, because attache restore was interrupted: empty it, and restore again", dir)
	case errors.Is(err, fs.ErrNotExist) && restoring:
		return fmt.Errorf("the data directory %s is not being restored", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open the data directory: %w", err)
	}
	return nil
}

// syncPath makes a file, or the names in a directory, durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
