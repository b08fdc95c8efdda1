package files

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// handles bounds the open files of staged content. A content that is not being written to
// right now gives its file up for another.
type handles struct {
	max int

	mu      sync.Mutex
	open    *list.List // of *content, the last used first
	freed   chan struct{}
	waiting atomic.Int32 // how many wait for a handle
}

func newHandles(max int) *handles {
	return &handles{max: max, open: list.New(), freed: make(chan struct{})}
}

// retry is when a locked content is looked at again, because nobody reports that it is unlocked.
const retry = 5 * time.Millisecond

// acquire waits for a handle for c. The caller holds c's lock, and has it again afterwards; in
// between it is released, so another may have opened the file meanwhile.
func (h *handles) acquire(ctx context.Context, c *content) error {
	for {
		h.mu.Lock()
		if c.handle != nil {
			h.mu.Unlock()
			return nil
		}
		free, locked := h.open.Len() < h.max, false
		if !free {
			free, locked = h.evict()
		}
		if free {
			c.handle = h.open.PushFront(c)
			h.mu.Unlock()
			return nil
		}
		freed := h.freed
		h.mu.Unlock()
		var again <-chan time.Time
		if locked {
			again = time.After(retry)
		}
		if err := h.wait(ctx, c, freed, again); err != nil {
			return err
		}
	}
}

func (h *handles) wait(ctx context.Context, c *content, freed <-chan struct{}, again <-chan time.Time) error {
	h.waiting.Add(1)
	defer h.waiting.Add(-1)
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-freed:
	case <-again:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.store.ctx.Done():
		return errClosed
	}
	return nil
}

// wanted reports that others wait for a handle: whoever has one gives it up after a round.
func (h *handles) wanted() bool { return h.waiting.Load() > 0 }

// evict closes the file that was used the longest ago and is idle. locked reports that some
// may be idle, but are locked: their users may wait for h.mu. The caller holds h.mu.
func (h *handles) evict() (closed, locked bool) {
	for e := h.open.Back(); e != nil; e = e.Prev() {
		c := e.Value.(*content)
		if !c.mu.TryLock() {
			locked = true
			continue
		}
		idle := !c.syncing
		if idle {
			c.closeFile()
			h.drop(c)
		}
		c.mu.Unlock()
		if idle {
			return true, locked
		}
	}
	return false, locked
}

func (h *handles) used(c *content) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.handle != nil {
		h.open.MoveToFront(c.handle)
	}
}

// release gives c's handle back, if it has one; the caller holds c's lock and has closed the
// file. A content that has become idle is also news for those who wait.
func (h *handles) release(c *content) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(c)
}

func (h *handles) drop(c *content) {
	if c.handle != nil {
		h.open.Remove(c.handle)
		c.handle = nil
	}
	h.wake()
}

// idle wakes those who wait for a handle, because a content has become idle.
func (h *handles) idle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake()
}

func (h *handles) wake() {
	close(h.freed)
	h.freed = make(chan struct{})
}

// closeIdle closes every file that is idle.
func (h *handles) closeIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for closed := true; closed; {
		closed, _ = h.evict()
	}
}
