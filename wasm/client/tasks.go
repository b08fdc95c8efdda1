package client

import (
	"runtime"
	"sync"

	"attache/bridge"
)

// taskQueue runs functions one after the other, never one inside another, as
// JavaScript runs its tasks. A function that arrives during a task (because the host
// called back from it, or because the runtime switched goroutines) runs after it. So
// state needs no locks, and nothing can wait for itself.
type taskQueue struct {
	log   func(string)
	mu    sync.Mutex
	queue []func()
	busy  bool
}

// run runs f now, or after the task that is running. onPanic may be nil.
func (t *taskQueue) run(f func(), onPanic func(*bridge.Error)) {
	t.mu.Lock()
	t.queue = append(t.queue, func() { t.contain(f, onPanic) })
	if t.busy {
		t.mu.Unlock()
		return
	}
	t.busy = true
	for len(t.queue) > 0 {
		next := t.queue[0]
		t.queue = t.queue[1:]
		t.mu.Unlock()
		next()
		t.mu.Lock()
	}
	t.queue, t.busy = nil, false
	t.mu.Unlock()
}

// contain is the only place that recovers. A panic inside onPanic is contained too,
// and only logged.
func (t *taskQueue) contain(f func(), onPanic func(*bridge.Error)) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err := bridge.WrapError(bridge.CodeInternal, panicError{v})
		t.log(err.Error() + "\n" + stack())
		if onPanic != nil {
			t.contain(func() { onPanic(err) }, nil)
		}
	}()
	f()
}

type panicError struct{ value any }

func (p panicError) Error() string {
	switch v := p.value.(type) {
	case error:
		return v.Error()
	case string:
		return v
	}
	return "panic"
}

func stack() string {
	buf := make([]byte, 4<<10)
	return string(buf[:runtime.Stack(buf, false)])
}
