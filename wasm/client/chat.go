package client

import (
	"time"

	"attache/bridge"
)

// chat is a session's first socket: JSON both ways.
type chat struct {
	link
	asking   bool          // for a token
	began    time.Duration // when the last try began
	since    time.Duration // when the session was welcomed
	refusals refusals      // of the application's tokens
}

const (
	idleTime    = 15 * time.Second // without a message, before the page sends a ping
	answerTime  = 10 * time.Second // for the answer to it, beyond what the slowest link needs for frames under way
	longestWait = time.Minute      // for that answer, while the data socket still receives something
	wakeTime    = 2 * time.Second  // how long the application may take for a token before Wake asks again
	stableTime  = 10 * time.Second // after which a connection counts as good
	quietBye    = 5 * time.Second  // the longest wait that the page does not show
)

func (c *chat) init(s *Session) {
	c.link = link{s: s, path: bridge.PathChat, on: handlers{
		hello:     c.addHello,
		message:   c.onMessage,
		malformed: c.onMalformed,
		fail:      c.onFail,
		close:     c.onClose,
		lost:      c.lost,
	}}
}

func (c *chat) connect() {
	c.drop()
	c.asking, c.began = true, c.s.now()
	generation := c.generation
	c.s.requestToken(func(err *bridge.Error) {
		switch {
		case generation != c.generation:
		case err == nil:
			c.asking = false
			c.open()
		case err.Retry:
			c.lost(err)
		default:
			c.s.end(err)
		}
	})
}

func (c *chat) open() {
	err := c.dial()
	switch {
	case err == nil:
	case c.s.id == "":
		// The browser forbids this dial, and would forbid the next one.
		c.s.end(err)
	default:
		c.lost(err)
	}
}

func (c *chat) addHello(h *bridge.Hello) {
	h.Position = c.s.position
}

func (c *chat) onMessage(m bridge.Wire) {
	switch m := m.(type) {
	case *bridge.Welcome:
		if !c.ready {
			c.onWelcome(m)
		}
	case *bridge.Bye:
		c.onBye(byeTime(m))
	case *bridge.Fail:
		c.s.onFail(m)
	default:
		if c.ready {
			c.s.onMessage(m)
		}
	}
}

func (c *chat) onMalformed(err error) {
	if !c.ready {
		c.s.end(bridge.WrapError(bridge.CodeVersion, err))
		return
	}
	c.skip(err)
}

func (c *chat) onWelcome(w *bridge.Welcome) {
	c.ready, c.refusals, c.since = true, refusals{}, c.heard
	c.s.removed = false
	c.watch()
	c.s.onWelcome(w)
}

// watch finds a dead connection: a browser reports one only after minutes.
func (c *chat) watch() {
	if quiet := c.s.now() - c.heard; quiet < idleTime {
		c.set(idleTime-quiet, c.watch)
		return
	}
	c.ping()
}

func (c *chat) ping() {
	c.awaitAnswer(c.heard, c.s.now())
	c.send(&bridge.Ping{})
}

// awaitAnswer waits for any message after the last one. The ping shares its link with
// frames, so it may take long while the link is alive.
func (c *chat) awaitAnswer(last, asked time.Duration) {
	data := &c.s.data
	c.set(data.rate.Timeout(answerTime, data.inFlight()), func() {
		now := c.s.now()
		switch {
		case c.heard > last:
			c.watch()
		case now-asked < longestWait && now-data.heard < answerTime && data.inFlight() > 0:
			c.awaitAnswer(last, asked)
		default:
			c.lost(bridge.NewError(bridge.CodeOffline, ""))
		}
	})
}

// onFail handles the proxy's refusal of this connection. A refusal of the token is
// not final while the application may have another one.
func (c *chat) onFail(err *bridge.Error) {
	switch {
	case c.ready && err.Code == bridge.CodeTokenExpired:
		c.renew()
	case !c.ready && aboutToken(err.Code) && !c.s.fixed:
		c.onTokenFail(err)
	case err.Code == bridge.CodeTokenExpired || !err.Retry:
		c.s.end(err)
	case c.s.removed && err.Code == bridge.CodeNotJoined:
		c.s.end(err) // to connect again would undo what the other party did
	default:
		c.lost(err)
	}
}

// renew connects with a new token.
func (c *chat) renew() {
	c.s.data.drop()
	c.connect()
}

// onTokenFail handles the refusal of a token when the application may have another one.
func (c *chat) onTokenFail(err *bridge.Error) {
	c.s.report(WordRefused, 0, bridge.AppendError(nil, err))
	final := c.refusals.final(c.s.token, err.Code, c.s.id == "", c.s.now())
	switch {
	case final:
		c.s.end(err)
	case c.refusals.count == 1:
		c.renew()
	default:
		c.lost(err)
	}
}

// onBye handles bye: the proxy is about to stop, and after that time another one
// takes over. The page reports the wait only if it is long, or if no proxy is there
// after it.
func (c *chat) onBye(after time.Duration) {
	c.drop()
	c.s.data.drop()
	if after > quietBye {
		c.again(bridge.NewError(bridge.CodeBusy, ""), after)
		return
	}
	c.wait(after, c.connect)
}

// onClose handles the socket's end. An error without retry fails the first connect;
// later the page retries, because the proxy's configuration may be repaired.
func (c *chat) onClose(err *bridge.Error) {
	if c.s.id == "" && !err.Retry {
		c.s.end(err)
		return
	}
	c.lost(err)
}

// lost handles the loss of the connection.
func (c *chat) lost(err *bridge.Error) {
	if c.s.ended {
		return
	}
	if c.ready && c.s.now()-c.since > stableTime {
		c.retry.reset()
		c.s.faults = 0
	}
	c.drop()
	c.s.data.drop()
	if c.s.leaving != 0 {
		c.s.end(nil)
		return
	}
	c.again(err, c.retry.next(c.s.client.host.Random))
}

func (c *chat) again(err *bridge.Error, wait time.Duration) {
	c.wait(wait, c.connect)
	c.s.reportReconnecting(err, wait)
}

// Wake reports that the network is back (perhaps as another one, on which the old
// connection is dead) or that the page is visible again.
func (s *Session) Wake() { s.chat.wake() }

func (c *chat) wake() {
	switch {
	case c.waiting, c.asking && c.s.now()-c.began > wakeTime: // its request for a token may be dead, too
		c.connect()
	case c.ready && c.s.leaving == 0:
		c.ping()
		c.s.data.wake()
	}
}

func (c *chat) drop() {
	c.asking = false
	c.link.drop()
	c.s.typing.drop()
	c.s.dropTypists()
	c.s.dropTransient()
}
