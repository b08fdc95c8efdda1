package client

import (
	"time"

	"attache/bridge"
)

// link is what both sockets of a session have in common: dialing, the hello, one
// deadline at a time, and the next try after a loss.
type link struct {
	s    *Session
	path string
	on   handlers

	socket     *Socket
	generation int           // identifies late events of an earlier socket, and late tokens
	ready      bool          // the proxy has answered the hello
	waiting    bool          // for the next try
	heard      time.Duration // when the last message arrived
	used       time.Duration // when the last message arrived or was sent
	greeted    time.Duration // when the hello went out
	greeting   int64         // its length, in bytes
	retry      backoff
	deadline   *alarm // nil: the socket is not wanted, so it is neither open nor waiting
}

// handlers are how the two sockets differ.
type handlers struct {
	hello     func(*bridge.Hello) // adds to it
	message   func(bridge.Wire)
	malformed func(error)         // a message that cannot be read
	fail      func(*bridge.Error) // the proxy refuses the socket
	close     func(*bridge.Error) // the socket has ended, or could not be opened
	lost      func(*bridge.Error) // this side has given it up
}

const (
	helloTime  = 15 * time.Second // from dialing to the answer to the hello
	longestBye = time.Minute
)

var agent = "attache/" + bridge.Version

// dial opens the socket. An error is the platform's refusal to try.
func (l *link) dial() *bridge.Error {
	l.generation++
	l.waiting, l.used = false, l.s.now()
	generation := l.generation
	socket, err := l.s.options.Dial(l.s.options.URL+l.path, func(e Event) {
		l.s.client.tasks.run(func() {
			if generation == l.generation {
				l.onEvent(e)
			}
		}, l.s.failed)
	})
	if err != nil {
		return bridge.WrapError(bridge.CodeOffline, err)
	}
	l.socket = socket
	l.set(helloTime, func() { l.on.lost(bridge.NewError(bridge.CodeTimeout, "")) })
	return nil
}

// set replaces the deadline.
func (l *link) set(d time.Duration, f func()) {
	l.deadline.stop()
	l.deadline = l.s.after(d, f)
}

// wait runs f, the next try, after d.
func (l *link) wait(d time.Duration, f func()) {
	l.waiting = true
	l.set(d, f)
}

func (l *link) onEvent(e Event) {
	switch e.Kind {
	case Opened:
		l.onOpen(e.Text)
	case Received:
		l.onText(e.Text)
	case Closed:
		if l.ready {
			l.s.idle.end(l.s.now()-l.used, l.s.now())
		}
		l.on.close(e.Err)
	}
}

func (l *link) onOpen(subprotocol string) {
	if subprotocol != bridge.Subprotocol {
		l.on.fail(bridge.NewError(bridge.CodeVersion, ""))
		return
	}
	hello := bridge.Hello{
		Token: l.s.token, SecureKey: l.s.options.SecureKey, ClientVersion: l.s.options.ClientVersion, Agent: agent,
		Ping: l.s.idle.ping(l.s.now()),
	}
	l.on.hello(&hello)
	text := bridge.AppendMessage(nil, &hello)
	l.greeted, l.greeting = l.s.now(), int64(len(text))
	l.sendText(text)
}

func (l *link) onText(text string) {
	l.heard = l.s.now()
	l.used = l.heard
	m, err := bridge.FromProxy([]byte(text))
	if err != nil {
		l.on.malformed(err)
		return
	}
	l.on.message(m)
}

func (l *link) send(m bridge.Wire) { l.sendText(bridge.AppendMessage(nil, m)) }

func (l *link) sendText(text []byte) {
	l.used = l.s.now()
	if err := l.socket.Send(text); err != nil {
		l.on.lost(bridge.WrapError(bridge.CodeOffline, err))
	}
}

func (l *link) drop() {
	l.generation++
	l.deadline.stop()
	l.deadline, l.ready, l.waiting = nil, false, false
	if l.socket != nil {
		l.socket.Close()
		l.socket = nil
	}
}

func byeTime(m *bridge.Bye) time.Duration {
	return min(time.Duration(m.After)*time.Millisecond, longestBye)
}

// skip logs a message that cannot be read. One lost message is better than a
// connection that breaks at the same message each time.
func (l *link) skip(err error) {
	l.s.client.host.Log("a message from the proxy is ignored: " + err.Error())
}
