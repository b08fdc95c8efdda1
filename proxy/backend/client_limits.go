package backend

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"attache/bridge"
	"attache/proxy"
)

var _ proxy.LiveLimits = chatServer{}

// limitWatchers are called when the backend's limits may have changed. One request at a time
// waits for that, as long as there is a watcher.
type limitWatchers struct {
	mu   sync.Mutex
	all  map[*func()]struct{}
	stop context.CancelFunc
	done chan struct{}
}

// WatchLimits calls changed whenever the backend reports that limits may have changed, and
// when it may have missed to: after an outage.
func (c chatServer) WatchLimits(changed func()) (stop func()) {
	if !slices.Contains(c.client.features, featureLimitChanges) {
		return func() {}
	}
	w := c.client.limits
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[*func()]struct{}{}
	}
	w.all[&changed] = struct{}{}
	if w.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		w.stop, w.done = cancel, make(chan struct{})
		go c.followLimits(ctx, w.done)
	}
	return func() { w.remove(&changed) }
}

// remove ends the waiting request after the last watcher.
func (w *limitWatchers) remove(changed *func()) {
	w.mu.Lock()
	delete(w.all, changed)
	if len(w.all) > 0 || w.stop == nil {
		w.mu.Unlock()
		return
	}
	w.stop()
	done := w.done
	w.stop, w.done = nil, nil
	w.mu.Unlock()
	<-done
}

func (w *limitWatchers) call() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for changed := range w.all {
		(*changed)()
	}
}

// followLimits asks for one change after the other, until ctx ends.
func (c chatServer) followLimits(ctx context.Context, done chan struct{}) {
	defer close(done)
	between := backoff{first: 100 * time.Millisecond, max: 2 * time.Second}
	cursor := ""
	for logged := false; ctx.Err() == nil; {
		next, err := c.limitChange(ctx, cursor)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && next != cursor:
			cursor, logged = next, false
			between.reset()
			c.client.limits.call()
			continue
		case err != nil && !logged:
			c.client.cfg.Log.Warn("the backend does not report changes of limits; retrying", "error", err)
			logged = true
		}
		between.pause(ctx)
	}
}

func (c chatServer) limitChange(ctx context.Context, cursor string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.client.cfg.IdleTimeout)
	defer cancel()
	var answer wireChanges
	err := c.client.call(ctx, bridge.CodeChatUnavailable, http.MethodGet, pathChanges+"?after="+url.QueryEscape(cursor), nil, &answer)
	return answer.Cursor, err
}
