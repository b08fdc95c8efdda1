package client

import (
	"time"

	"attache/bridge"
)

// Client holds the sessions of one program.
type Client struct {
	host     Host
	tasks    taskQueue
	sessions map[int64]*Session
}

// New makes a client without sessions.
func New(h Host) *Client {
	return &Client{host: h, tasks: taskQueue{log: h.Log}, sessions: map[int64]*Session{}}
}

// Open starts a session. From then on the host refers to it by its handle.
func (c *Client) Open(handle int64, o Options) {
	s := newSession(c, handle, o)
	c.tasks.run(func() {
		c.sessions[handle] = s
		s.chat.connect()
	}, s.failed)
}

// Do runs f with a session, as a task. It does nothing if that session has ended.
func (c *Client) Do(handle int64, f func(*Session)) {
	c.tasks.run(func() {
		if s := c.sessions[handle]; s != nil {
			f(s)
		}
	}, func(err *bridge.Error) {
		if s := c.sessions[handle]; s != nil {
			s.failed(err)
		}
	})
}

// Contain runs f at once, and passes a panic in it to onPanic, which may be nil.
func (c *Client) Contain(f func(), onPanic func(*bridge.Error)) { c.tasks.contain(f, onPanic) }

func (c *Client) now() time.Duration { return c.host.Now() }

func (c *Client) after(d time.Duration, f func(), onPanic func(*bridge.Error)) *alarm {
	a := new(alarm)
	a.stopTimer = c.host.After(d, func() {
		c.tasks.run(func() {
			if !a.stopped {
				f()
			}
		}, onPanic)
	})
	return a
}

// alarm runs a task once, unless it is stopped before.
type alarm struct {
	stopTimer func()
	stopped   bool
}

// stop may be called at any time, and on nil.
func (a *alarm) stop() {
	if a != nil {
		a.stopped = true
		a.stopTimer()
	}
}
