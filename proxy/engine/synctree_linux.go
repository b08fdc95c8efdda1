package engine

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncTree makes everything in a directory durable, with all else on its volume: to sync a
// hundred thousand files one by one takes minutes.
func syncTree(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd()))), f.Close())
}
