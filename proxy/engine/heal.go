package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"attache/bridge"
)

// A stream of the server's whose write has failed takes none any more, answers
// no writer, and stays so when the disk has room again: only a new server opens
// the files again. What it has acknowledged was synced and is there. Until the
// disk takes writes the old server stays, since it can be read from, and since
// streams that were not written to meanwhile may still be written.

// look is how often the disk is looked at.
const look = 250 * time.Millisecond

// breach is the time between two servers' last and first good write.
type breach struct {
	began chan struct{} // closed when it has
	err   error         // guarded by embedded.mu
}

func newBreach() *breach { return &breach{began: make(chan struct{})} }

// Broken is closed when writes fail from now on: who waits for an
// acknowledgement need not. It never is for a cluster.
func (e *Engine) Broken() <-chan struct{} {
	if e.embedded == nil {
		return nil
	}
	e.embedded.mu.Lock()
	defer e.embedded.mu.Unlock()
	return e.embedded.breach.began
}

// Trouble is why writes fail: code storage-full, or storage-unavailable where it
// is not for want of room. nil means that they should not.
func (e *Engine) Trouble() error {
	if e.embedded == nil {
		return nil
	}
	return e.embedded.trouble()
}

func (m *embedded) trouble() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.breach.err
}

// failed is told by a server's voice that a write has failed. What one says that
// is already being replaced is not news.
func (m *embedded) failed(voice *logger, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if voice != m.voice || m.breach.err != nil {
		return
	}
	code := bridge.CodeStorageUnavailable
	if strings.Contains(reason, "no space left") || strings.Contains(reason, "quota exceeded") {
		code = bridge.CodeStorageFull
	}
	m.breach.err = bridge.WrapError(code, errors.New(reason))
	close(m.breach.began)
}

// watch replaces a server whose writes have failed, once the disk takes them.
func (m *embedded) watch() {
	tick := time.NewTicker(look)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-m.quit:
			return
		case <-tick.C:
		}
		if m.trouble() == nil {
			continue
		}
		err := m.heal()
		if err != nil && err.Error() != said {
			m.log.Error("the engine cannot write, uploads are refused", "error", err)
			said = err.Error()
		}
		if err == nil {
			m.log.Info("the engine writes again")
			said = ""
		}
	}
}

func (m *embedded) heal() error {
	if err := m.writable(); err != nil {
		return err
	}
	m.end()
	// What goes wrong while it starts is a breach of its own.
	m.mu.Lock()
	old := m.breach
	m.breach = newBreach()
	m.mu.Unlock()
	if err := m.run(); err != nil {
		m.end()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.breach = old
		return err
	}
	return nil
}

// writable tries the disk. With less than half of the reserve the next write
// would soon be the last again.
func (m *embedded) writable() error {
	free, err := m.room.free()
	if err != nil {
		return err
	}
	if free < m.room.reserve/2 {
		return errors.New("no space left on the data directory's volume")
	}
	return m.try()
}

// try writes a page to the disk.
func (m *embedded) try() error {
	path := filepath.Join(m.room.dir, "probe")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("try the data directory: %w", err)
	}
	defer os.Remove(path)
	_, err = f.Write(make([]byte, 4096))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("try the data directory: %w", err)
	}
	return nil
}
