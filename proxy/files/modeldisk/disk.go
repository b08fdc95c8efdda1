package modeldisk

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"

	"attache/proxy/files"
)

// Disk is a model of a disk. Its methods may be called from several goroutines.
type Disk struct {
	mu      sync.Mutex
	choose  func(n int) int
	fault   func(Operation) error
	root    *directory
	changes []*change // of names, not durable yet, oldest first
	count   int
	open    int
	stopped bool
	aborted bool // a SyncDir failed: nothing can be changed any more
}

var _ files.Disk = (*Disk)(nil)

// New returns an empty disk. choose decides between n possible outcomes: it returns one of
// 0 to n-1, and is called by one goroutine at a time, only at a fault and by Reopen.
func New(choose func(n int) int) *Disk {
	return &Disk{choose: choose, root: newDirectory()}
}

// directory is one directory: the names that programs see, and those that are durable.
type directory struct{ names, durable map[string]any } // of *directory or *file

func newDirectory() *directory {
	return &directory{names: map[string]any{}, durable: map[string]any{}}
}

func (d *Disk) Open(name string, writable bool) (files.File, error) {
	var f *file
	err := d.do(Open, name, func() (err error) {
		f, err = d.file(name)
		return err
	})
	return d.opened(f, name, writable, err)
}

func (d *Disk) Create(name string) (files.File, error) {
	f := newFile(nil)
	err := d.do(Create, name, func() error {
		dir, base, err := d.parent(name)
		if err != nil {
			return err
		}
		if dir.names[base] != nil {
			return syscall.EEXIST
		}
		d.change(entry{dir, base, f})
		return nil
	})
	return d.opened(f, name, true, err)
}

func (d *Disk) opened(f *file, name string, writable bool, err error) (files.File, error) {
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open++
	return &handle{disk: d, file: f, name: name, writable: writable}, nil
}

func (d *Disk) Rename(oldName, newName string) error {
	return d.do(Rename, oldName, func() error {
		from, oldBase, err := d.parent(oldName)
		if err != nil {
			return err
		}
		to, newBase, err := d.parent(newName)
		if err != nil {
			return err
		}
		node, replaced := from.names[oldBase], to.names[newBase]
		if node == nil {
			return syscall.ENOENT
		}
		if err := replaceable(node, replaced, to); err != nil {
			return err
		}
		if node == replaced {
			return nil
		}
		d.change(entry{from, oldBase, nil}, entry{to, newBase, node})
		return nil
	})
}

// replaceable fails if a rename cannot put node into directory to, instead of replaced.
func replaceable(node, replaced any, to *directory) error {
	dir, isDir := node.(*directory)
	_, isReplaced := replaced.(*directory)
	switch {
	case isReplaced:
		return syscall.EEXIST // as os.Root, which replaces no directory
	case isDir && dir == to:
		return syscall.EINVAL
	case isDir && replaced != nil:
		return syscall.ENOTDIR
	}
	return nil
}

func (d *Disk) Remove(name string) error {
	return d.do(Remove, name, func() error {
		dir, base, err := d.parent(name)
		if err != nil {
			return err
		}
		node := dir.names[base]
		if node == nil {
			return syscall.ENOENT
		}
		if sub, ok := node.(*directory); ok && len(sub.names) > 0 {
			return syscall.ENOTEMPTY
		}
		d.change(entry{dir, base, nil})
		return nil
	})
}

func (d *Disk) Mkdir(name string) error {
	return d.do(Mkdir, name, func() error {
		dir, base, err := d.parent(name)
		if err != nil {
			return err
		}
		switch dir.names[base].(type) {
		case *file:
			return syscall.ENOTDIR
		case *directory:
			return syscall.EEXIST
		}
		made := newDirectory()
		d.change(entry{dir, base, made})
		return nil
	})
}

func (d *Disk) List(name string) (names []string, err error) {
	err = d.do(List, name, func() error {
		dir, err := d.directory(name)
		if err == nil {
			names = slices.Sorted(maps.Keys(dir.names))
		}
		return err
	})
	return names, err
}

func (d *Disk) Size(name string) (size int64, err error) {
	err = d.do(Size, name, func() error {
		f, err := d.file(name)
		if err == nil {
			size = int64(len(f.cache))
		}
		return err
	})
	return size, err
}

// SyncDir makes the names in a directory durable, as the package's assumptions say.
func (d *Disk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	fault := d.begin(SyncDir, name)
	dir, err := d.directory(name)
	if err == nil && fault == nil {
		d.syncNames(dir)
	}
	d.aborted = d.aborted || err == nil && fault != nil && !d.stopped
	return failed(SyncDir, name, fault, err)
}

// OpenFiles is how many files are open.
func (d *Disk) OpenFiles() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

// parent finds the directory of a name, and the name in it.
func (d *Disk) parent(name string) (dir *directory, base string, err error) {
	day, base, below := strings.Cut(name, "/")
	if !below {
		day, base = ".", name
	}
	dir, err = d.directory(day)
	return dir, base, err
}

func (d *Disk) directory(name string) (*directory, error) {
	if name == "." {
		return d.root, nil
	}
	switch node := d.root.names[name].(type) {
	case *directory:
		return node, nil
	case *file:
		return nil, syscall.ENOTDIR
	}
	return nil, fs.ErrNotExist
}

func (d *Disk) file(name string) (*file, error) {
	dir, base, err := d.parent(name)
	if err != nil {
		return nil, err
	}
	switch node := dir.names[base].(type) {
	case *file:
		return node, nil
	case *directory:
		return nil, syscall.EISDIR
	}
	return nil, fs.ErrNotExist
}
