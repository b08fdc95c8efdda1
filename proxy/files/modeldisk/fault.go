package modeldisk

import (
	"errors"
	"io/fs"
	"syscall"
)

// ErrStopped is the error of the operation at which the machine or the process stopped, and of
// every later one.
var ErrStopped = errors.New("the user of the model disk has stopped")

// Kind is a kind of operation.
type Kind string

const (
	Open     Kind = "open"
	Create   Kind = "create"
	Rename   Kind = "rename"
	Remove   Kind = "remove"
	Mkdir    Kind = "mkdir"
	List     Kind = "list"
	Size     Kind = "size"
	SyncDir  Kind = "sync directory"
	Read     Kind = "read"
	Write    Kind = "write"
	Truncate Kind = "truncate"
	Sync     Kind = "sync"
)

// changes reports whether the operation needs a file system that can be written.
func (k Kind) changes() bool {
	switch k {
	case Open, List, Size, Read:
		return false
	}
	return true
}

// Operation is one call of a method of [Disk] or of an open file, except Close and Size of an
// open file.
type Operation struct {
	Number int // from 1
	Kind   Kind
	Name   string // as the file was opened, even if it was renamed since
}

// Fail sets the function that is called before each operation. If it returns an error, that
// operation fails with it: [ErrStopped] (the operation may nevertheless survive),
// syscall.ENOSPC (a part of a Write may be written), syscall.EIO, syscall.EROFS. The function
// must not use the disk; it is called by one goroutine at a time.
func (d *Disk) Fail(fault func(Operation) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// At is a function for Fail: operation number n fails with err.
func At(n int, err error) func(Operation) error {
	return func(o Operation) error {
		if o.Number == n {
			return err
		}
		return nil
	}
}

// Operations is the number of the last operation.
func (d *Disk) Operations() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// do calls apply unless the operation fails. An operation at which the disk stops may survive,
// as each unsynced one.
func (d *Disk) do(kind Kind, name string, apply func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	stopped := d.stopped
	fault := d.begin(kind, name)
	if fault != nil && (stopped || !d.stopped) {
		return failed(kind, name, fault, nil)
	}
	return failed(kind, name, fault, apply())
}

// begin counts an operation and returns the error that it must fail with.
func (d *Disk) begin(kind Kind, name string) error {
	if d.stopped {
		return ErrStopped
	}
	d.count++
	if d.fault != nil {
		if err := d.fault(Operation{d.count, kind, name}); err != nil {
			d.stopped = errors.Is(err, ErrStopped)
			return err
		}
	}
	if d.aborted && kind.changes() {
		return syscall.EROFS
	}
	return nil
}

// failed is the error of an operation that met a fault, or else err.
func failed(kind Kind, name string, fault, err error) error {
	if fault != nil {
		err = fault
	}
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: string(kind), Path: name, Err: err}
}
