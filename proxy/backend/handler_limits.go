package backend

import (
	"context"
	"net/http"
	"strconv"
	"sync"

	"attache/proxy"
)

// changes counts the changes of limits. A cursor names a count in this process: another one's
// is unknown, so whoever has it is answered at once.
type changes struct {
	process string

	mu    sync.Mutex
	count int64
	next  chan struct{} // closed at the next change
}

// watch counts the changes until stop is called.
func (c *changes) watch(l proxy.LiveLimits) (stop func()) {
	c.process, c.next = random(8), make(chan struct{})
	return l.WatchLimits(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.count++
		close(c.next)
		c.next = make(chan struct{})
	})
}

func (c *changes) cursor() (cursor string, next <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process + "-" + strconv.FormatInt(c.count, 10), c.next
}

// limitChanges replies when the limits may have changed after a cursor, and after a
// heartbeat's time in any case.
func (h *Handler) limitChanges(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), heartbeat)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	cursor, next := h.changes.cursor()
	if cursor == r.URL.Query().Get("after") {
		select {
		case <-next:
			cursor, _ = h.changes.cursor()
		case <-ctx.Done():
		}
	}
	return reply(w, wireChanges{Cursor: cursor})
}
