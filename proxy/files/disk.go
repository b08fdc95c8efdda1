package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Disk is what the store needs of a file system. Names are relative to the store's directory,
// with at most one slash: a day and a file in it. No link is followed. Errors match
// [fs.ErrNotExist] and [fs.ErrExist]. A model of a disk that loses power implements it too.
type Disk interface {
	// Open opens an existing regular file for reading, and for writing too with writable.
	Open(name string, writable bool) (File, error)
	// Create makes a file, open for reading and writing: fs.ErrExist if there is one.
	Create(name string) (File, error)
	// Rename replaces newName if it exists. Neither name is durable before SyncDir.
	Rename(oldName, newName string) error
	// Remove removes a file or an empty directory.
	Remove(name string) error
	Mkdir(name string) error
	// List returns the names of a directory's files or directories, sorted; "." is the
	// store's own.
	List(dir string) ([]string, error)
	// Size is the length of a regular file.
	Size(name string) (int64, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
}

// File is one open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	// Truncate cuts the file; the cut is durable after Sync.
	Truncate(size int64) error
	// Sync makes the file's bytes and its length durable. After an error, nothing is known
	// about the bytes that were written since the last Sync.
	Sync() error
}

// directory is the Disk of a real directory.
type directory struct{ root *os.Root }

// openDirectory opens a directory, which must exist.
func openDirectory(path string) (*directory, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &directory{root}, nil
}

func (d *directory) Close() error { return d.root.Close() }

func (d *directory) Open(name string, writable bool) (File, error) {
	if err := d.regular(name); err != nil {
		return nil, err
	}
	flag := os.O_RDONLY
	if writable {
		flag = os.O_RDWR
	}
	f, err := d.root.OpenFile(name, flag, 0)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// regular fails unless name is a regular file: a link might lead to another file, and an
// opened pipe would wait for its other end.
func (d *directory) regular(name string) error {
	_, err := d.Size(name)
	return err
}

func (d *directory) Size(name string) (int64, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is a %s: %w", name, info.Mode().Type(), errIrregular)
	}
	return info.Size(), nil
}

func (d *directory) Create(name string) (File, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d *directory) Rename(oldName, newName string) error { return d.root.Rename(oldName, newName) }
func (d *directory) Remove(name string) error             { return d.root.Remove(name) }

func (d *directory) Mkdir(name string) error {
	err := d.root.Mkdir(name, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, failed := d.root.Lstat(name)
	if failed == nil && !info.IsDir() {
		return fmt.Errorf("%s is a %s, not a directory", name, info.Mode().Type())
	}
	return err
}

// directory fails unless dir is a directory itself, and not a link to one.
func (d *directory) directory(dir string) error {
	info, err := d.root.Lstat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is a %s: %w", dir, info.Mode().Type(), errIrregular)
	}
	return err
}

func (d *directory) List(dir string) ([]string, error) {
	if err := d.directory(dir); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(d.root.FS(), dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (d *directory) SyncDir(dir string) error {
	if err := d.directory(dir); err != nil {
		return err
	}
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) Sync() error { return syncData(f.File) }
