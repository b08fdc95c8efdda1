package main

import (
	"time"

	"attache/bridge"
)

// chat is a session's first socket: JSON both ways.
type chat struct {
	s        *session
	socket   *socket
	ready    bool          // welcomed
	waiting  bool          // for the next try
	asking   bool          // for a token
	tries    int           // tells a late token of an earlier try
	began    time.Duration // the last try
	refusals refusals      // of the application's tokens
	since    time.Duration
	last     time.Duration // when something was heard
	retry    backoff
	alarm    *alarm
}

const (
	welcomeTime = 15 * time.Second // from dialing to welcome
	idleTime    = 15 * time.Second // without a message, before the page asks
	answerTime  = 10 * time.Second // for an answer to that, beyond what the slowest link needs for frames under way
	longestWait = time.Minute      // for that answer, while the data socket still hears something
	wakeTime    = 2 * time.Second  // that the application has for a token before it is asked again
	stableTime  = 10 * time.Second // after which a connection counts as good
	longestBye  = time.Minute
	quietBye    = 5 * time.Second // a wait that the page need not be told of
)

func (c *chat) connect() {
	c.drop()
	c.asking, c.began = true, c.s.page.now()
	try := c.tries
	c.s.obtain(func(err *bridge.Error) {
		switch {
		case try != c.tries:
		case err == nil:
			c.asking = false
			c.dial()
		case err.Retry:
			c.lost(err)
		default:
			c.s.end(err)
		}
	})
}

func (c *chat) dial() {
	var err error
	c.socket, err = c.s.page.dial(c.s.dial, c.s.url+bridge.PathChat, listener{c.opened, c.received, c.cut, c.failed})
	switch {
	case err == nil:
		c.set(welcomeTime, func() { c.lost(bridge.NewError(bridge.CodeTimeout, "")) })
	case c.s.id == "":
		// The browser forbids it, and will next time.
		c.s.end(bridge.WrapError(bridge.CodeOffline, err))
	default:
		c.lost(bridge.WrapError(bridge.CodeOffline, err))
	}
}

func (c *chat) set(d time.Duration, f func()) {
	c.alarm.stop()
	c.alarm = c.s.page.turns.after(d, f, c.failed)
}

func (c *chat) opened(protocol string) {
	if protocol != bridge.Subprotocol {
		c.s.end(bridge.NewError(bridge.CodeVersion, ""))
		return
	}
	c.say(&bridge.Hello{
		Token:         c.s.token,
		Position:      c.s.position,
		ClientVersion: c.s.version,
		Agent:         agent,
		Ping:          c.s.idle.ping(c.s.page.now()),
	})
}

var agent = "attache/" + bridge.Version

func (c *chat) say(m bridge.Wire) {
	if err := c.socket.send(bridge.AppendMessage(nil, m)); err != nil {
		c.lost(bridge.WrapError(bridge.CodeOffline, err))
	}
}

func (c *chat) received(text []byte) {
	c.last = c.s.page.now()
	m, err := bridge.FromProxy(text)
	if err != nil {
		c.unclear(err)
		return
	}
	switch m := m.(type) {
	case *bridge.Welcome:
		if !c.ready {
			c.welcomed(m)
		}
	case *bridge.Bye:
		c.bye(time.Duration(m.After) * time.Millisecond)
	case *bridge.Fail:
		c.s.refused(m)
	default:
		if c.ready {
			c.s.heard(m)
		}
	}
}

// unclear is told of a message that cannot be read. One lost message is better
// than a connection that breaks at the same place each time.
func (c *chat) unclear(err error) {
	if !c.ready {
		c.s.end(bridge.WrapError(bridge.CodeVersion, err))
		return
	}
	complain("a message of the proxy's is left out: " + err.Error())
}

func (c *chat) welcomed(w *bridge.Welcome) {
	c.ready, c.refusals, c.since = true, refusals{}, c.last
	c.listen()
	c.s.welcomed(w)
}

// listen keeps an eye on the line: a browser tells of a dead one only after
// minutes.
func (c *chat) listen() {
	if quiet := c.s.page.now() - c.last; quiet < idleTime {
		c.set(idleTime-quiet, c.listen)
		return
	}
	c.question()
}

func (c *chat) question() {
	c.await(c.last, c.s.page.now())
	c.say(&bridge.Ping{})
}

// await waits for any message after the last one. The question shares its link
// with frames, so it may be long on its way while the link is alive.
func (c *chat) await(last, asked time.Duration) {
	c.set(c.s.data.link.Timeout(answerTime, c.s.data.owed()), func() {
		now := c.s.page.now()
		switch {
		case c.last > last:
			c.listen()
		case now-asked < longestWait && now-c.s.data.heard < answerTime && c.s.data.owed() > 0:
			c.await(last, asked)
		default:
			c.lost(bridge.NewError(bridge.CodeOffline, ""))
		}
	})
}

// refused takes the proxy's word that this connection cannot be. One about a token
// is not the last word while the application may have another one.
func (c *chat) refused(err *bridge.Error) {
	switch {
	case c.ready && err.Code == bridge.CodeTokenExpired:
		c.renew()
	case !c.ready && aboutToken(err.Code) && !c.s.fixed:
		c.tokenRefused(err)
	case err.Code == bridge.CodeTokenExpired || !err.Retry:
		c.s.end(err)
	default:
		c.lost(err)
	}
}

// renew connects with a new token.
func (c *chat) renew() {
	c.s.data.drop()
	c.connect()
}

// tokenRefused takes the refusal of a token where there may be another one.
func (c *chat) tokenRefused(err *bridge.Error) {
	c.s.tell(wordRefused, 0, bridge.AppendError(nil, err))
	final := c.refusals.final(c.s.token, err.Code, c.s.id == "", c.s.page.now())
	switch {
	case final:
		c.s.end(err)
	case c.refusals.count == 1:
		c.renew()
	default:
		c.lost(err)
	}
}

// bye is told that the proxy goes, and when another is there. The page hears of
// it only if that is late, or turns out not to be so.
func (c *chat) bye(after time.Duration) {
	c.drop()
	c.s.data.drop()
	after = min(after, longestBye)
	if after > quietBye {
		c.again(bridge.NewError(bridge.CodeBusy, ""), after)
		return
	}
	c.waiting = true
	c.set(after, c.connect)
}

// cut is told that the socket has ended, or could not be made. What will not pass
// is for the caller of the first connect; later it may: a proxy is configured anew.
func (c *chat) cut(err *bridge.Error) {
	if c.s.id == "" && !err.Retry {
		c.s.end(err)
		return
	}
	if c.ready {
		c.s.idle.end(c.socket.quiet(), c.s.page.now())
	}
	c.lost(err)
}

// lost is told that there is no connection, or none any more.
func (c *chat) lost(err *bridge.Error) {
	if c.s.ended {
		return
	}
	if c.ready && c.s.page.now()-c.since > stableTime {
		c.retry.reset()
		c.s.faults = 0
	}
	c.drop()
	c.s.data.drop()
	if c.s.leaving != 0 {
		c.s.end(nil)
		return
	}
	c.again(err, c.retry.next())
}

func (c *chat) again(err *bridge.Error, wait time.Duration) {
	c.waiting = true
	c.set(wait, c.connect)
	c.s.reconnecting(err, wait)
}

// wake is told that the network is back (perhaps as another one, on which the old
// line is dead) or that the page is seen again. The application may have asked for
// a token on that line, too.
func (c *chat) wake() {
	switch {
	case c.waiting, c.asking && c.s.page.now()-c.began > wakeTime:
		c.connect()
	case c.ready && c.s.leaving == 0:
		c.question()
		c.s.data.wake()
	}
}

func (c *chat) failed(err *bridge.Error) { c.s.failed(err) }

func (c *chat) drop() {
	c.tries++
	c.alarm.stop()
	c.ready, c.waiting, c.asking = false, false, false
	if c.socket != nil {
		c.socket.close()
		c.socket = nil
	}
}
