package engine

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"syscall"
	"time"

	"attache/bridge"
)

// After a write to a stream has failed, the server accepts no more writes to it and
// does not answer their publishers, even once the disk has space again: only a new
// server opens the files again. Every acknowledged message was synced and is there.
// The old server stays until the disk takes writes, because it can still be read from,
// and because streams without a failed write can still be written to. It ends at once if
// its directory is gone, because nothing may be acknowledged on a volume that is unmounted.

const (
	// probeInterval is how often the volumes are looked at, and probed during an outage.
	probeInterval = 250 * time.Millisecond
	// calm is how long no outage must have been, so that the next one is probed at once:
	// a disk that takes probes and fails other writes does not begin four outages a second.
	calm       = time.Minute
	maxBackoff = 10 * time.Second
)

// outage is the time from the first failed write to the reopening.
type outage struct {
	began chan struct{} // closed when it has

	// Guarded by embedded.mu.
	err     *bridge.Error
	stopped bool // the server's writes fail too, not only content's
}

func newOutage() *outage { return &outage{began: make(chan struct{})} }

// WritesFailed is closed once writes fail, so that no caller waits for an
// acknowledgement that will not come. For a cluster it is nil.
func (e *Engine) WritesFailed() <-chan struct{} {
	if e.embedded == nil {
		return nil
	}
	return e.embedded.state().outage.began
}

// WriteErr is why writes fail: code storage-full if space ran out, storage-unavailable
// otherwise. It is nil while they are not known to fail, and always for a cluster.
func (e *Engine) WriteErr() error {
	if e.embedded == nil {
		return nil
	}
	return e.embedded.state().err
}

// Volume is the engine as a store of content sees it, from one opening of its directory to the
// next.
type Volume struct {
	*Engine
	since <-chan struct{}
}

// Volume is for a store that opens its directory now.
func (e *Engine) Volume() Volume { return Volume{e, e.WritesFailed()} }

// WriteFailed reports a failed write of content: an outage begins, as after a failed write of
// the engine. If one has begun since v was made, the error belongs to it and begins no other,
// even if that one is over. For a cluster it does nothing.
func (v Volume) WriteFailed(err error) {
	if v.embedded == nil {
		return
	}
	if now := v.embedded.state(); now.outage.began == v.since {
		v.embedded.failed(now.outage, err, false)
	}
}

// onWriteFailure begins an outage. It ignores a server that is being replaced already.
func (m *embedded) onWriteFailure(from *logger, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if from == m.logger {
		m.outage.begin(errors.New(reason), true)
	}
}

// failed begins an outage, unless o is over; stopped means that the server's writes fail too.
func (m *embedded) failed(o *outage, err error, stopped bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.outage == o {
		o.begin(err, stopped)
	}
}

// begin begins the outage, unless it has begun. The caller holds embedded.mu.
func (o *outage) begin(err error, stopped bool) {
	o.stopped = o.stopped || stopped
	if o.err == nil {
		o.err = storageError(err)
		close(o.began)
	}
}

// storageError adds the code. The server reports errors only as text.
func storageError(err error) *bridge.Error {
	text := err.Error()
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		strings.Contains(text, "no space left") || strings.Contains(text, "quota exceeded") {
		return bridge.WrapError(bridge.CodeStorageFull, err)
	}
	return bridge.WrapError(bridge.CodeStorageUnavailable, err)
}

// endOutages looks after the volumes, and ends outages once the disk takes writes.
func (m *embedded) endOutages() {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	var ended, next time.Time
	pause, logged := time.Duration(0), ""
	report := func(err error) {
		if text := err.Error(); text != logged {
			m.log.Error("the disk cannot be written, uploads are refused", "error", err)
			logged = text
		}
	}
	for {
		select {
		case <-m.quit:
			return
		case <-tick.C:
		}
		now := m.watch()
		if now.err == nil {
			continue
		}
		if logged == "" {
			report(now.err)
			pause = nextPause(pause, time.Since(ended))
			next = time.Now().Add(pause)
		}
		if time.Now().Before(next) {
			continue
		}
		if err := m.heal(now); err != nil {
			report(err)
			continue
		}
		m.log.Info("the disk is written again")
		ended, logged = time.Now(), ""
	}
}

// nextPause is how long to wait before the first probe of an outage that began some time
// after the one before it, which waited for pause.
func nextPause(pause, after time.Duration) time.Duration {
	if after > calm {
		return 0
	}
	return min(cmp.Or(2*pause, probeInterval), maxBackoff)
}

// watch begins an outage if a volume is gone.
func (m *embedded) watch() state {
	now := m.state()
	for _, v := range now.volumes() {
		if err := v.present(); err != nil {
			m.failed(now.outage, err, v == now.data)
		}
	}
	return m.state()
}

// heal opens again what has failed. A server that did not fail keeps running, so that the
// chat does not notice that content was opened again.
func (m *embedded) heal(now state) error {
	m.attaching.Lock()
	defer m.attaching.Unlock()
	next, err := now.again()
	if err != nil {
		m.blocked(now, err)
		return err
	}
	if now.stopped {
		m.end()
	}
	if !m.replace(now, next) {
		next.close(now)
		return errors.New("the engine's own writes fail too")
	}
	if err := m.reopen(next); err != nil {
		m.restore(now, next, err)
		next.close(now)
		m.blocked(now, err)
		return err
	}
	now.close(next)
	return nil
}

// blocked makes err the reason of the outage, and ends the server if its directory is gone.
func (m *embedded) blocked(now state, err error) {
	gone := now.data.present() != nil
	m.mu.Lock()
	now.outage.err = storageError(err)
	now.outage.stopped = now.outage.stopped || gone
	m.mu.Unlock()
	if gone {
		m.end()
	}
}

// replace makes next the state, unless the server's writes failed only since now.
func (m *embedded) replace(now, next state) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.outage.stopped != now.stopped {
		return false
	}
	m.data, m.contents, m.outage = next.data, next.contents, next.outage
	return true
}

// restore makes now the state again, because reopening has failed.
func (m *embedded) restore(now, next state, err error) {
	if now.stopped {
		m.end()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next.outage.begin(err, now.stopped)
	now.outage.stopped = now.outage.stopped || next.outage.stopped
	m.data, m.contents, m.outage = now.data, now.contents, now.outage
}

// reopen opens the content and, if it has ended, the server on the volumes of next.
func (m *embedded) reopen(next state) error {
	if next.stopped {
		if err := m.takeLock(); err != nil {
			return err
		}
	}
	for _, c := range next.contents {
		if err := c.open(); err != nil {
			return err
		}
	}
	if next.stopped {
		return m.run()
	}
	return nil
}

// again opens what has failed again, once it is the same and takes writes.
func (s state) again() (next state, err error) {
	next = state{data: s.data, outage: newOutage(), stopped: s.stopped}
	defer func() {
		if err != nil {
			next.close(s)
		}
	}()
	if s.stopped {
		if next.data, err = s.data.again(); err != nil {
			next.data = s.data
			return next, err
		}
	} else if err = s.data.present(); err != nil {
		return next, err
	}
	for _, c := range s.contents {
		v, err := c.volume.again()
		if err != nil {
			return next, err
		}
		next.contents = append(next.contents, content{c.Content, v})
	}
	for _, v := range next.volumes() {
		if err := v.writable(); err != nil {
			return next, err
		}
	}
	return next, nil
}

// close closes the volumes that are not kept's.
func (s state) close(kept state) {
	for _, v := range s.volumes() {
		if !slices.Contains(kept.volumes(), v) {
			v.close()
		}
	}
}
