package files

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"syscall"
)

// errReopened ends what was begun before the directory was opened again.
var errReopened = errors.New("the document store's directory has been opened again")

// opening is the disk from one opening of the directory to the next. A file of an earlier one
// takes no more writes: it may be on a volume that is no longer mounted. A write that fails is
// marked with its opening, so that a late failure does not begin an outage of the next one.
type opening struct {
	Disk
	volume Volume // of this opening
	usage  *usage
	ended  atomic.Bool
}

// end ends the opening. Files that were opened for reading can still be read.
func (o *opening) end() {
	o.ended.Store(true)
	if d, ok := o.Disk.(io.Closer); ok {
		d.Close()
	}
}

// writeError is the error of a write, and the opening it belongs to.
type writeError struct {
	error
	opening *opening
}

func (e *writeError) Unwrap() error { return e.error }

// failed marks an error of a write. That a name exists, or does not, is not a failure, nor that
// the process has too many files open.
func (o *opening) failed(err error) error {
	for _, harmless := range []error{fs.ErrExist, fs.ErrNotExist, errIrregular, syscall.EMFILE, syscall.ENFILE} {
		if err == nil || errors.Is(err, harmless) {
			return err
		}
	}
	return &writeError{err, o}
}

// write runs a write, unless the opening has ended.
func (o *opening) write(do func() error) error {
	if o.ended.Load() {
		return o.failed(errReopened)
	}
	return o.failed(do())
}

func (o *opening) Open(name string, writable bool) (File, error) {
	if !writable {
		return o.Disk.Open(name, false)
	}
	f, err := o.Disk.Open(name, true)
	if errors.Is(err, fs.ErrPermission) {
		return nil, err // of this file alone: somebody has changed its mode or its owner
	}
	if err != nil {
		return nil, o.failed(err)
	}
	return o.file(name, f)
}

func (o *opening) Create(name string) (f File, err error) {
	if err = o.write(func() (err error) { f, err = o.Disk.Create(name); return err }); err != nil {
		return nil, err
	}
	return o.file(name, f)
}

func (o *opening) Rename(oldName, newName string) error {
	return o.write(func() error { return o.usage.rename(o.Disk, oldName, newName) })
}

func (o *opening) Remove(name string) error {
	return o.write(func() error { return o.usage.remove(o.Disk, name) })
}

func (o *opening) Mkdir(name string) error {
	return o.write(func() error { return o.usage.mkdir(name, func() error { return o.Disk.Mkdir(name) }) })
}

func (o *opening) SyncDir(dir string) error {
	return o.write(func() error { return o.Disk.SyncDir(dir) })
}

// file is a File that is open for writing.
func (o *opening) file(name string, f File) (File, error) {
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &openedFile{File: f, opening: o, day: dirOf(name), size: size}, nil
}

type openedFile struct {
	File
	opening *opening
	day     string
	size    int64 // guarded by usage.mu
}

func (f *openedFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.opening.write(func() (err error) {
		return f.opening.usage.resize(f, func(size int64) (int64, error) {
			n, err = f.File.WriteAt(p, off)
			return max(size, off+int64(n)), err
		})
	})
	return n, err
}

func (f *openedFile) Truncate(to int64) error {
	return f.opening.write(func() error {
		return f.opening.usage.resize(f, func(size int64) (int64, error) {
			if err := f.File.Truncate(to); err != nil {
				return size, err
			}
			return to, nil
		})
	})
}

// Sync fails too if the opening has ended meanwhile, because the file may not be the one that
// is in the directory now.
func (f *openedFile) Sync() error {
	return f.opening.write(func() error {
		err := f.File.Sync()
		if err == nil && f.opening.ended.Load() {
			return errReopened
		}
		return err
	})
}
