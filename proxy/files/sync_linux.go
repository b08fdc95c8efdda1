package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncData makes a file's bytes and length durable, without its times. Control, unlike Fd,
// keeps the descriptor from being closed meanwhile, and used for another file.
func syncData(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	closed := conn.Control(func(fd uintptr) {
		for err = unix.EINTR; errors.Is(err, unix.EINTR); {
			err = unix.Fdatasync(int(fd))
		}
	})
	if closed != nil {
		return os.ErrClosed
	}
	return os.NewSyscallError("fdatasync", err)
}
