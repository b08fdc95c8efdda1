package client

import (
	"slices"
	"time"
)

// clockDouble is time that passes only when a test says so.
type clockDouble struct {
	at     time.Duration
	timers []*timerDouble
}

type timerDouble struct {
	at time.Duration
	f  func()
}

func (c *clockDouble) now() time.Duration { return c.at }

func (c *clockDouble) after(d time.Duration, f func()) (stop func()) {
	timer := &timerDouble{c.at + d, f}
	c.timers = append(c.timers, timer)
	return func() { c.remove(timer) }
}

func (c *clockDouble) remove(timer *timerDouble) {
	c.timers = slices.DeleteFunc(c.timers, func(other *timerDouble) bool { return other == timer })
}

// pass lets d pass, and runs the timers due in it in order.
func (c *clockDouble) pass(d time.Duration) {
	end := c.at + d
	for {
		var next *timerDouble
		for _, timer := range c.timers {
			if timer.at <= end && (next == nil || timer.at < next.at) {
				next = timer
			}
		}
		if next == nil {
			c.at = end
			return
		}
		c.remove(next)
		c.at = max(c.at, next.at)
		next.f()
	}
}
