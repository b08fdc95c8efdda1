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

// After a write to a stream has failed, the server accepts no more writes to it and
// does not answer their publishers, even once the disk has space again: only a new
// server opens the files again. Every acknowledged message was synced and is there.
// The old server stays until the disk takes writes, because it can still be read from,
// and because streams without a failed write can still be written to.

// probeInterval is how often the disk is probed during an outage.
const probeInterval = 250 * time.Millisecond

// outage is the time from a server's first failed write to the start of its successor.
type outage struct {
	began chan struct{} // closed when it has
	err   error         // guarded by embedded.mu
}

func newOutage() *outage { return &outage{began: make(chan struct{})} }

// WritesFailed is closed once writes fail, so that no caller waits for an
// acknowledgement that will not come. For a cluster it is nil.
func (e *Engine) WritesFailed() <-chan struct{} {
	if e.embedded == nil {
		return nil
	}
	e.embedded.mu.Lock()
	defer e.embedded.mu.Unlock()
	return e.embedded.outage.began
}

// WriteErr is why writes fail: code storage-full if space ran out, storage-unavailable
// otherwise. It is nil while they are not known to fail, and always for a cluster.
func (e *Engine) WriteErr() error {
	if e.embedded == nil {
		return nil
	}
	return e.embedded.writeErr()
}

func (m *embedded) writeErr() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.outage.err
}

// onWriteFailure begins an outage. It ignores a server that is being replaced already.
func (m *embedded) onWriteFailure(from *logger, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if from != m.logger || m.outage.err != nil {
		return
	}
	code := bridge.CodeStorageUnavailable
	if strings.Contains(reason, "no space left") || strings.Contains(reason, "quota exceeded") {
		code = bridge.CodeStorageFull
	}
	m.outage.err = bridge.WrapError(code, errors.New(reason))
	close(m.outage.began)
}

// endOutages replaces a server whose writes have failed, once the disk takes writes.
func (m *embedded) endOutages() {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	logged := ""
	for {
		select {
		case <-m.quit:
			return
		case <-tick.C:
		}
		if m.writeErr() == nil {
			continue
		}
		err := m.replaceServer()
		if err != nil && err.Error() != logged {
			m.log.Error("the engine cannot write, uploads are refused", "error", err)
			logged = err.Error()
		}
		if err == nil {
			m.log.Info("the engine writes again")
			logged = ""
		}
	}
}

func (m *embedded) replaceServer() error {
	if err := m.writable(); err != nil {
		return err
	}
	m.end()
	// A failure of the new server's start is an outage of its own.
	m.mu.Lock()
	old := m.outage
	m.outage = newOutage()
	m.mu.Unlock()
	if err := m.run(); err != nil {
		m.end()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.outage = old
		return err
	}
	return nil
}

// writable probes the disk. With less than half of the reserve free, writes would soon
// fail again.
func (m *embedded) writable() error {
	free, err := m.disk.free()
	if err != nil {
		return err
	}
	if free < m.disk.reserve/2 {
		return errors.New("no space left on the data directory's volume")
	}
	return m.probe()
}

// probe writes a page to the disk.
func (m *embedded) probe() error {
	path := filepath.Join(m.disk.dir, "probe")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write to the data directory: %w", err)
	}
	defer os.Remove(path)
	_, err = f.Write(make([]byte, 4096))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write to the data directory: %w", err)
	}
	return nil
}
