package engine

import (
	"context"
	"slices"

	"attache/bridge"
)

// space is one bound on what may be stored: a volume's size, or Options.MaxStore.
type space struct {
	free    int64
	reserve int64 // bytes that uploads leave free
}

// defaultReserve is the reserve of a volume with total bytes.
func defaultReserve(total int64) int64 { return min(1<<30, total/20) }

// AdmitUpload fails with code storage-full when no new upload should begin. Its mark
// is twice the reserve, so that uploads that have begun still fit.
func (e *Engine) AdmitUpload() error {
	if e.embedded == nil {
		return e.admitByAccount(1)
	}
	err := e.embedded.admit(2)
	e.embedded.logSpace(err)
	return err
}

// logSpace logs when uploads begin to be refused for lack of space, and when they no longer are.
func (m *embedded) logSpace(err error) {
	switch full := bridge.CodeOf(err) == bridge.CodeStorageFull; {
	case full && !m.full.Swap(true):
		m.log.Warn("no space for new uploads: they are refused until there is some", "dir", m.state().data.path)
	case err == nil && m.full.Swap(false):
		m.log.Info("there is space for new uploads again")
	}
}

// AdmitWrite fails with code storage-full when uploads that have begun must stop too.
// The rest is for the chat and for the records of accepted uploads.
func (e *Engine) AdmitWrite() error {
	if e.embedded == nil {
		return e.admitByAccount(2)
	}
	return e.embedded.admit(1)
}

// AdmitText fails with code storage-full when customers may write nothing more, at
// half the reserve: the rest is for the agents' answers and for the delivery of
// accepted uploads. It does not mind a volume on which only content is.
func (e *Engine) AdmitText() error {
	if e.embedded == nil {
		return e.admitByAccount(4)
	}
	return e.embedded.admitText()
}

// FreeSpace returns how many bytes may still be stored, and the number of them below
// which AdmitUpload fails. In a cluster without a limit, free is bridge.NoLimit.
func (e *Engine) FreeSpace(ctx context.Context) (free, low int64, err error) {
	if e.embedded != nil {
		return e.embedded.freeSpace()
	}
	info, err := e.askAccount(ctx)
	if err != nil {
		return 0, 0, err
	}
	free, low = accountSpace(info)
	return free, low, nil
}

// admit fails if less than marks times the reserve is free in any space.
func (m *embedded) admit(marks int64) error {
	now := m.state()
	if now.err != nil {
		return now.err
	}
	return m.admitTo(now, now.volumes(), func(s space) bool { return s.free >= marks*s.reserve })
}

// admitText admits while only content's writes fail.
func (m *embedded) admitText() error {
	now := m.state()
	if now.err != nil && now.stopped {
		return now.err
	}
	return m.admitTo(now, []*volume{now.data}, func(s space) bool { return s.free >= s.reserve/2 })
}

// admitTo begins an outage if a volume is gone.
func (m *embedded) admitTo(now state, volumes []*volume, enough func(space) bool) error {
	for _, v := range volumes {
		if err := v.present(); err != nil {
			m.failed(now.outage, err, v == now.data)
			return storageError(err)
		}
	}
	spaces, err := m.spaces(now, volumes)
	if err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	if !slices.ContainsFunc(spaces, func(s space) bool { return !enough(s) }) {
		return nil
	}
	return bridge.NewError(bridge.CodeStorageFull, "")
}

// spaces are those of the volumes and, if there is one, of MaxStore.
func (m *embedded) spaces(now state, volumes []*volume) ([]space, error) {
	spaces := make([]space, 0, len(volumes)+1)
	for _, v := range volumes {
		free, err := v.free()
		if err != nil {
			return nil, err
		}
		spaces = append(spaces, space{free, v.reserve})
	}
	if m.maxStore == 0 {
		return spaces, nil
	}
	stored, err := m.stored(now)
	return append(spaces, space{max(m.maxStore-stored, 0), m.maxReserve}), err
}

// stored is how many bytes the server and the content have.
func (m *embedded) stored(now state) (int64, error) {
	s, err := m.running()
	if err != nil {
		return 0, err
	}
	info, err := s.Jsz(nil)
	if err != nil {
		return 0, err
	}
	stored := int64(info.Store)
	for _, c := range now.contents {
		stored += c.Bytes()
	}
	return stored, nil
}

// freeSpace is the space that is nearest to its mark.
func (m *embedded) freeSpace() (free, low int64, err error) {
	now := m.state()
	spaces, err := m.spaces(now, now.volumes())
	if err != nil {
		return 0, 0, err
	}
	nearest := slices.MinFunc(spaces, func(a, b space) int { return int(min(max(a.free-2*a.reserve-b.free+2*b.reserve, -1), 1)) })
	return nearest.free, 2 * nearest.reserve, nil
}
