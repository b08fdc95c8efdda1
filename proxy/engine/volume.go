package engine

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// marker is the file with a directory's random id, by which a volume that was unmounted is
// recognized.
const marker = "volume"

// probeSize is about what one frame needs.
const probeSize = 1 << 20

// volume is a directory as it was opened. All access is by its handle, which leads to that
// directory whatever is mounted at its path later.
type volume struct {
	path    string
	mount   string // where the volume is mounted
	id      string // in the marker; "" while there is none
	root    *os.Root
	handle  *os.File // the root's directory, for what os.Root does not do
	info    fs.FileInfo
	total   int64
	reserve int64 // bytes that uploads leave free
}

// openVolume opens a directory, which must exist, and changes nothing in it.
func openVolume(path string, reserve int64) (_ *volume, err error) {
	v := &volume{path: path}
	defer func() {
		if err != nil {
			v.close()
		}
	}()
	if v.root, err = os.OpenRoot(path); err != nil {
		return nil, fmt.Errorf("open the directory: %w", err)
	}
	if v.handle, err = v.root.Open("."); err != nil {
		return nil, fmt.Errorf("open the directory: %w", err)
	}
	if v.info, err = v.handle.Stat(); err != nil {
		return nil, fmt.Errorf("open the directory: %w", err)
	}
	id, err := v.root.ReadFile(marker)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the volume's id: %w", err)
	}
	v.id, v.mount = strings.TrimSpace(string(id)), mountPoint(path)
	st, err := v.statfs()
	if err != nil {
		return nil, err
	}
	v.total = int64(st.Blocks) * int64(st.Bsize)
	v.reserve = cmp.Or(reserve, defaultReserve(v.total))
	if v.total <= v.reserve {
		return nil, fmt.Errorf("the volume of %s has %d bytes, not more than the reserve of %d", path, v.total, v.reserve)
	}
	return v, nil
}

func (v *volume) close() {
	if v.handle != nil {
		v.handle.Close()
	}
	if v.root != nil {
		v.root.Close()
	}
}

// mark gives the directory an id, unless it has one.
func (v *volume) mark() error {
	if v.id != "" {
		return nil
	}
	id := rand.Text()
	const draft = marker + ".new"
	err := v.write(draft, []byte(id+"\n"))
	if err == nil {
		err = v.root.Rename(draft, marker)
	}
	if err == nil {
		err = v.handle.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the volume's id to %s: %w", v.path, err)
	}
	v.id = id
	return nil
}

// probe writes and removes a file.
func (v *volume) probe() error {
	const name = "probe"
	err := v.write(name, make([]byte, probeSize))
	v.root.Remove(name)
	if err != nil {
		return fmt.Errorf("write to %s: %w", v.path, err)
	}
	return nil
}

func (v *volume) write(name string, content []byte) error {
	f, err := v.root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// control calls f with the handle's descriptor, which is not closed meanwhile.
func (v *volume) control(f func(fd int) error) error {
	raw, err := v.handle.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	return errors.Join(raw.Control(func(fd uintptr) { failed = f(int(fd)) }), failed)
}

func (v *volume) statfs() (st unix.Statfs_t, err error) {
	if err = v.control(func(fd int) error { return unix.Fstatfs(fd, &st) }); err != nil {
		return st, fmt.Errorf("measure the volume of %s: %w", v.path, err)
	}
	return st, nil
}

// free is how many bytes any process may still write.
func (v *volume) free() (int64, error) {
	st, err := v.statfs()
	return int64(st.Bavail) * int64(st.Bsize), err
}

// writable fails while writes would fail, or would soon fail again because less than half
// of the reserve is free.
func (v *volume) writable() error {
	free, err := v.free()
	if err != nil {
		return err
	}
	if free < v.reserve/2 {
		return fmt.Errorf("the volume of %s has %d bytes free and needs %d: %w", v.path, free, v.reserve/2, syscall.ENOSPC)
	}
	return v.probe()
}

// handlePath is a path that leads to the directory whatever is mounted at its path, for code
// that takes only paths. Where the system has none, it is the path.
func (v *volume) handlePath() string {
	var path string
	err := v.control(func(fd int) error { path = fmt.Sprintf("/proc/self/fd/%d", fd); return nil })
	if err != nil {
		return v.path
	}
	if info, err := os.Stat(path); err != nil || !os.SameFile(info, v.info) {
		return v.path
	}
	return path
}

// goneError reports that a path no longer is the directory that was opened there.
type goneError struct{ text string }

func (e *goneError) Error() string { return e.text }

// present fails with a goneError if the path no longer is the directory that was opened.
func (v *volume) present() error {
	now, err := os.Stat(v.path)
	if err == nil && os.SameFile(now, v.info) {
		return nil
	}
	return v.gone(now, err)
}

// again opens the path again. It fails with a goneError unless the path is the same
// directory, or one with the same id: the same volume that was mounted again, perhaps after a
// repair.
func (v *volume) again() (*volume, error) {
	now, err := os.Stat(v.path)
	if err != nil {
		return nil, v.gone(nil, err)
	}
	next, err := openVolume(v.path, v.reserve)
	if err != nil {
		return nil, err
	}
	if !os.SameFile(next.info, v.info) && (v.id == "" || next.id != v.id) {
		next.close()
		return nil, v.gone(now, nil)
	}
	return next, nil
}

// gone says what is at the path instead; now and err are what os.Stat returned.
func (v *volume) gone(now fs.FileInfo, err error) error {
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return &goneError{fmt.Sprintf("%s cannot be read: %v", v.path, err)}
	case v.mount != string(filepath.Separator) && !isMountPoint(v.mount):
		return &goneError{"the volume is not mounted at " + v.path}
	case err != nil:
		return &goneError{v.path + " has been removed or renamed"}
	case device(now) == device(v.info):
		return &goneError{"another directory is at " + v.path}
	}
	return &goneError{"another volume is mounted at " + v.path}
}

// mountPoint is the highest directory above path, or path, that is on the same device.
func mountPoint(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return string(filepath.Separator)
	}
	for !isMountPoint(path) && path != filepath.Dir(path) {
		path = filepath.Dir(path)
	}
	return path
}

func isMountPoint(path string) bool {
	here, err := os.Stat(path)
	if err != nil {
		return false
	}
	above, err := os.Stat(filepath.Dir(path))
	return err == nil && device(here) != device(above)
}

func device(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev)
	}
	return 0
}
