package modeldisk

import (
	"io"
	"io/fs"
	"syscall"
)

// handle is an open file.
type handle struct {
	disk     *Disk
	file     *file
	name     string
	writable bool
	closed   bool
}

func (h *handle) ReadAt(p []byte, off int64) (n int, err error) {
	err = h.do(Read, false, func() error {
		if off < 0 {
			return syscall.EINVAL
		}
		if off < int64(len(h.file.cache)) {
			n = copy(p, h.file.cache[off:])
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case n < len(p):
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes a part of p if it fails because of a fault.
func (h *handle) WriteAt(p []byte, off int64) (n int, err error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.usable(true); err != nil {
		return 0, failed(Write, h.name, err, nil)
	}
	if off < 0 {
		return 0, failed(Write, h.name, syscall.EINVAL, nil)
	}
	stopped := h.disk.stopped
	fault := h.disk.begin(Write, h.name)
	n = len(p)
	switch {
	case stopped:
		n = 0
	case fault != nil && !h.disk.stopped && n > 0:
		n = []int{0, n / 2, n - 1}[h.disk.choose(3)]
	}
	h.file.write(p[:n], int(off))
	if h.disk.stopped {
		n = 0
	}
	return n, failed(Write, h.name, fault, nil)
}

func (h *handle) Truncate(size int64) error {
	return h.do(Truncate, true, func() error {
		if size < 0 {
			return syscall.EINVAL
		}
		h.file.truncate(int(size))
		return nil
	})
}

func (h *handle) Sync() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.usable(false); err != nil {
		return failed(Sync, h.name, err, nil)
	}
	fault := h.disk.begin(Sync, h.name)
	switch {
	case fault == nil:
		h.file.sync(h.disk.choose)
	case !h.disk.stopped:
		h.file.failSync(h.disk.choose)
	}
	return failed(Sync, h.name, fault, nil)
}

func (h *handle) Size() (int64, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.usable(false); err != nil {
		return 0, failed(Size, h.name, err, nil)
	}
	if h.disk.stopped {
		return 0, failed(Size, h.name, ErrStopped, nil)
	}
	return int64(len(h.file.cache)), nil
}

func (h *handle) Close() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.usable(false); err != nil {
		return err
	}
	h.closed = true
	h.disk.open--
	return nil
}

func (h *handle) do(kind Kind, writes bool, apply func() error) error {
	return h.disk.do(kind, h.name, func() error {
		if err := h.usable(writes); err != nil {
			return err
		}
		return apply()
	})
}

func (h *handle) usable(writes bool) error {
	if h.closed {
		return fs.ErrClosed
	}
	if writes && !h.writable {
		return syscall.EBADF
	}
	return nil
}
