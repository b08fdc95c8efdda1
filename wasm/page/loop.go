//go:build !js

package page

import "sync"

// loop runs functions one after the other on one goroutine. Posting never waits.
type loop struct {
	mu      sync.Mutex
	queue   []func()
	stopped bool
	some    chan struct{}
}

func newLoop() *loop { return &loop{some: make(chan struct{}, 1)} }

func (l *loop) post(f func()) {
	l.mu.Lock()
	l.queue = append(l.queue, f)
	l.mu.Unlock()
	select {
	case l.some <- struct{}{}:
	default:
	}
}

// stop has run return after the function that is running.
func (l *loop) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
}

func (l *loop) run() {
	for range l.some {
		for {
			f, more := l.take()
			if !more {
				return
			}
			if f == nil {
				break
			}
			f()
		}
	}
}

func (l *loop) take() (f func(), more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return nil, false
	}
	if len(l.queue) > 0 {
		f = l.queue[0]
		l.queue = l.queue[1:]
	}
	return f, true
}
