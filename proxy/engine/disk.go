package engine

import (
	"cmp"
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"attache/bridge"
)

// disk is the volume with the embedded engine's directory.
type disk struct {
	dir     string
	reserve int64 // bytes that uploads leave free
	max     int64 // bytes that the engine may store; 0: the whole volume
	total   int64
}

func measureDisk(o Options) (disk, error) {
	st, err := statfs(o.Dir)
	if err != nil {
		return disk{}, err
	}
	d := disk{dir: o.Dir, reserve: o.Reserve, max: o.MaxStore, total: int64(st.Blocks) * int64(st.Bsize)}
	d.reserve = cmp.Or(d.reserve, min(1<<30, d.total/20))
	if d.total <= d.reserve {
		return disk{}, fmt.Errorf("the data directory's volume has %d bytes, not more than the reserve of %d", d.total, d.reserve)
	}
	return d, nil
}

func statfs(dir string) (st unix.Statfs_t, err error) {
	if err = unix.Statfs(dir, &st); err != nil {
		return st, fmt.Errorf("measure the data directory's volume: %w", err)
	}
	return st, nil
}

// limit is the server's own limit. It requires one and ends all writing there, the
// chat's too, so by default the limit is the end of the volume: uploads end before it.
func (d disk) limit() int64 { return cmp.Or(d.max, d.total) }

// free is how many bytes any process may still write.
func (d disk) free() (int64, error) {
	st, err := statfs(d.dir)
	return int64(st.Bavail) * int64(st.Bsize), err
}

// AdmitUpload fails with code storage-full when no new upload should begin. Its mark
// is twice the reserve, so that uploads that have begun still fit.
func (e *Engine) AdmitUpload() error {
	if e.embedded == nil {
		return e.admitByAccount(1)
	}
	return e.embedded.admit(2 * e.embedded.disk.reserve)
}

// AdmitWrite fails with code storage-full when uploads that have begun must stop too.
// The rest is for the chat and for the records of accepted uploads.
func (e *Engine) AdmitWrite() error {
	if e.embedded == nil {
		return e.admitByAccount(2)
	}
	return e.embedded.admit(e.embedded.disk.reserve)
}

// AdmitText fails with code storage-full when customers may write nothing more, at
// half the reserve: the rest is for the agents' answers and for the delivery of
// accepted uploads.
func (e *Engine) AdmitText() error {
	if e.embedded == nil {
		return e.admitByAccount(4)
	}
	return e.embedded.admit(e.embedded.disk.reserve / 2)
}

// FreeSpace returns how many bytes may still be stored, and the number of them below
// which AdmitUpload fails. In a cluster without a limit, free is bridge.NoLimit.
func (e *Engine) FreeSpace(ctx context.Context) (free, low int64, err error) {
	if e.embedded != nil {
		free, err = e.embedded.free()
		return free, 2 * e.embedded.disk.reserve, err
	}
	info, err := e.askAccount(ctx)
	if err != nil {
		return 0, 0, err
	}
	free, low = accountSpace(info)
	return free, low, nil
}

// admit fails if fewer bytes than mark are left, on the disk or of the engine's limit.
func (m *embedded) admit(mark int64) error {
	if err := m.writeErr(); err != nil {
		return err
	}
	free, err := m.free()
	if err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	if free < mark {
		return bridge.NewError(bridge.CodeStorageFull, "")
	}
	return nil
}

// free is how many bytes the engine may still write.
func (m *embedded) free() (int64, error) {
	free, err := m.disk.free()
	if err != nil || m.disk.max == 0 {
		return free, err
	}
	s, err := m.running()
	if err != nil {
		return 0, err
	}
	info, err := s.Jsz(nil)
	if err != nil {
		return 0, err
	}
	return min(free, m.disk.max-int64(info.Store)+m.disk.reserve), nil
}
