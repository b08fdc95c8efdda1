package engine

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"attache/bridge"
)

// volume is the disk that the embedded engine lies on.
type volume struct {
	dir     string
	reserve int64 // bytes that stay free
	max     int64 // bytes that the engine may keep
}

func measure(o Options) (volume, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(o.Dir, &st); err != nil {
		return volume{}, fmt.Errorf("measure the data directory's volume: %w", err)
	}
	v := volume{dir: o.Dir, reserve: o.Reserve, max: o.MaxStore}
	if v.reserve == 0 {
		v.reserve = min(1<<30, int64(st.Blocks)*int64(st.Bsize)/20)
	}
	if v.max > 0 {
		return v, nil
	}
	used, err := size(o.Dir)
	if err != nil {
		return volume{}, fmt.Errorf("measure the data directory: %w", err)
	}
	v.max = used + int64(st.Bavail)*int64(st.Bsize) - v.reserve
	if v.max <= 0 {
		return volume{}, fmt.Errorf("the data directory's volume has %d bytes free, less than the reserve of %d", int64(st.Bavail)*int64(st.Bsize), v.reserve)
	}
	return v, nil
}

func size(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// free is what uploads may still fill: less than the volume has by the reserve.
func (v volume) free() (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(v.dir, &st); err != nil {
		return 0, fmt.Errorf("measure the data directory's volume: %w", err)
	}
	return int64(st.Bavail)*int64(st.Bsize) - v.reserve, nil
}

// Room fails with code storage-full when no new upload should begin. The mark
// is as far above the reserve as the reserve is above zero, so that what has
// begun already still finds room.
func (e *Engine) Room() error {
	if e.embedded == nil {
		return e.account.room(e)
	}
	left, err := e.embedded.left()
	if err != nil {
		return err
	}
	if left < e.embedded.room.reserve {
		return bridge.NewError(bridge.CodeStorageFull, "")
	}
	return nil
}

func (m *embedded) left() (int64, error) {
	free, err := m.room.free()
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	info, err := m.server.Jsz(nil)
	if err != nil {
		return 0, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return min(free, m.room.max-int64(info.Store)), nil
}

// accountRoom asks a cluster for the account's limits, at most once a second:
// an offer must not wait for it.
type accountRoom struct {
	mu    sync.Mutex
	asked time.Time
	err   error
}

func (a *accountRoom) room(e *Engine) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.asked) < time.Second {
		return a.err
	}
	a.err = e.askRoom()
	a.asked = time.Now()
	return a.err
}

func (e *Engine) askRoom() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	info, err := e.js.AccountInfo(ctx)
	if err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	limit := info.Limits.MaxStore
	if limit > 0 && int64(info.Store) > limit-limit/20 {
		return bridge.NewError(bridge.CodeStorageFull, "")
	}
	return nil
}
