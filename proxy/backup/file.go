package backup

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// createFile makes a file that must not exist, of many small writes, and makes its bytes
// durable.
func createFile(path string, write func(io.Writer) error) error {
	return createUnbuffered(path, func(f io.Writer) error {
		w := bufio.NewWriterSize(f, 256<<10)
		if err := write(w); err != nil {
			return err
		}
		return w.Flush()
	})
}

// createUnbuffered is createFile for few or large writes: a file that is copied into it need not
// pass through memory.
func createUnbuffered(path string, write func(io.Writer) error) error {
	return createUnsynced(path, func(f *os.File) error {
		if err := write(f); err != nil {
			return err
		}
		return f.Sync()
	})
}

// createUnsynced makes a file that is made durable later.
func createUnsynced(path string, write func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func writeFile(path string, b []byte) error {
	return createFile(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
