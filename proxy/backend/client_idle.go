package backend

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"attache/bridge"
	"attache/proxy"
)

var _ proxy.Activities = chatServer{}

// activeEvery is how often the backend learns that a party's upload goes on.
const activeEvery = 20 * time.Second

// activities remembers when the backend was last sent what.
type activities struct {
	mu   sync.Mutex
	last map[string]time.Time // by path
}

// ClosesIdle reports whether the backend closes idle sessions.
func (c chatServer) ClosesIdle() bool { return slices.Contains(c.client.features, featureIdle) }

// Active sends the backend that bytes of the party's upload arrive: once, and again only after
// a while. If the request fails, the next piece is the next try.
func (c chatServer) Active(session, userID string) {
	path := pathOf(pathActive, session, userID)
	if !c.ClosesIdle() || !c.client.active.due(path) {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.client.cfg.RetryFor)
		defer cancel()
		if err := c.client.call(ctx, bridge.CodeChatUnavailable, http.MethodPost, path, nil, nil); err != nil {
			c.client.active.forget(path)
		}
	}()
}

// due reports whether it is time to send that path, and notes that it is sent.
func (a *activities) due(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if now.Sub(a.last[path]) < activeEvery {
		return false
	}
	for path, last := range a.last {
		if now.Sub(last) >= activeEvery {
			delete(a.last, path)
		}
	}
	a.last[path] = now
	return true
}

func (a *activities) forget(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.last, path)
}
