package engine

import (
	"cmp"
	"fmt"

	"golang.org/x/sys/unix"

	"attache/bridge"
)

// volume is the disk that the embedded engine lies on.
type volume struct {
	dir     string
	reserve int64 // bytes that uploads leave free
	max     int64 // bytes that the engine may keep; 0: what the volume has
	total   int64
}

func measure(o Options) (volume, error) {
	st, err := statfs(o.Dir)
	if err != nil {
		return volume{}, err
	}
	v := volume{dir: o.Dir, reserve: o.Reserve, max: o.MaxStore, total: int64(st.Blocks) * int64(st.Bsize)}
	if v.reserve == 0 {
		v.reserve = min(1<<30, v.total/20)
	}
	if v.total <= v.reserve {
		return volume{}, fmt.Errorf("the data directory's volume has %d bytes, not more than the reserve of %d", v.total, v.reserve)
	}
	return v, nil
}

func statfs(dir string) (st unix.Statfs_t, err error) {
	if err = unix.Statfs(dir, &st); err != nil {
		return st, fmt.Errorf("measure the data directory's volume: %w", err)
	}
	return st, nil
}

// limit is what the server is told. It needs one, and ends all writing there,
// the chat's too: so where nobody has set one, that is the volume's end, and
// uploads end before.
func (v volume) limit() int64 { return cmp.Or(v.max, v.total) }

// free is how many bytes anybody may still write.
func (v volume) free() (int64, error) {
	st, err := statfs(v.dir)
	return int64(st.Bavail) * int64(st.Bsize), err
}

// Room fails with code storage-full when no new upload should begin. That mark
// is as far above the reserve as the reserve is above zero, so that what has
// begun already still finds room.
func (e *Engine) Room() error {
	if e.embedded == nil {
		return e.accountAbove(1)
	}
	return e.embedded.above(2 * e.embedded.room.reserve)
}

// Spare fails with code storage-full when uploads that have begun are to stop as
// well. What is left then is for the chat, and for the records of what has
// been accepted.
func (e *Engine) Spare() error {
	if e.embedded == nil {
		return e.accountAbove(2)
	}
	return e.embedded.above(e.embedded.room.reserve)
}

// Words fails with code storage-full when customers may write nothing more, which is
// at half of what uploads leave free: the rest is for the agents' answers and for the
// delivery of what was accepted.
func (e *Engine) Words() error {
	if e.embedded == nil {
		return e.accountAbove(4)
	}
	return e.embedded.above(e.embedded.room.reserve / 2)
}

// above fails where less than that many bytes are left, on the disk or of the
// engine's share.
func (m *embedded) above(mark int64) error {
	if err := m.trouble(); err != nil {
		return err
	}
	left, err := m.left()
	if err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	if left < mark {
		return bridge.NewError(bridge.CodeStorageFull, "")
	}
	return nil
}

// left is how many bytes the engine may still write.
func (m *embedded) left() (int64, error) {
	free, err := m.room.free()
	if err != nil || m.room.max == 0 {
		return free, err
	}
	return m.share(free)
}

func (m *embedded) share(free int64) (int64, error) {
	s, err := m.running()
	if err != nil {
		return 0, err
	}
	info, err := s.Jsz(nil)
	if err != nil {
		return 0, err
	}
	return min(free, m.room.max-int64(info.Store)+m.room.reserve), nil
}
