//go:build !linux

package engine

import (
	"io/fs"
	"path/filepath"
)

// syncTree makes everything in a directory durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() && !entry.Type().IsRegular() {
			return err
		}
		return syncPath(path)
	})
}
