package main

import (
	"runtime"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// turns runs functions one after the other, never one inside another, as
// JavaScript runs its tasks. A function that arrives during a turn (because
// JavaScript called back from it, or because the runtime gave another goroutine
// way) runs after it. So state needs no locks, and nothing can wait for itself.
type turns struct {
	clock clock
	mu    sync.Mutex
	queue []func()
	busy  bool
}

// run runs f now, or after the turn that is being taken. failed is told when f
// panics; it may be nil.
func (t *turns) run(f func(), failed func(*bridge.Error)) {
	t.mu.Lock()
	t.queue = append(t.queue, func() { contain(f, failed) })
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

// contain is the only place that recovers. A panic inside failed is contained
// too, and then there is nobody left to tell.
func contain(f func(), failed func(*bridge.Error)) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err := bridge.WrapError(bridge.CodeInternal, panicked{v})
		complain(err.Error() + "\n" + stack())
		if failed != nil {
			contain(func() { failed(err) }, nil)
		}
	}()
	f()
}

type panicked struct{ value any }

func (p panicked) Error() string {
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

// complain writes to the browser's console.
func complain(text string) {
	if console, err := safejs.Global().Get("console"); err == nil {
		_, _ = console.Call("error", "attache: "+text)
	}
}

// clock is time: how much has passed, and a call when some more has. (A
// time.Time in what this package holds would bring its methods along, 20 kB.)
type clock struct {
	now   func() time.Duration
	after func(d time.Duration, f func()) (stop func())
}

func wallClock() clock {
	start := time.Now()
	return clock{
		now: func() time.Duration { return time.Since(start) },
		after: func(d time.Duration, f func()) func() {
			timer := time.AfterFunc(d, f)
			return func() { timer.Stop() }
		},
	}
}

// alarm calls back once, in a turn, unless it is stopped before.
type alarm struct {
	stopTimer func()
	dead      bool
}

func (t *turns) after(d time.Duration, f func(), failed func(*bridge.Error)) *alarm {
	a := new(alarm)
	a.stopTimer = t.clock.after(d, func() {
		t.run(func() {
			if !a.dead {
				f()
			}
		}, failed)
	})
	return a
}

// stop may be called at any time, and of no alarm.
func (a *alarm) stop() {
	if a != nil {
		a.dead = true
		a.stopTimer()
	}
}
