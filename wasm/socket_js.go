package main

import (
	"time"

	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// listener is who a socket belongs to. It is not an interface, because what is in one
// keeps its methods and those of everything in it: 30 kB of time's here.
type listener struct {
	opened   func(protocol string)
	received func(text []byte)
	lost     func(*bridge.Error)
	failed   func(*bridge.Error) // a bug of ours in one of the others
}

// socket is a browser's WebSocket.
type socket struct {
	page   *page
	used   time.Duration // when something was sent or received last
	value  safejs.Value
	listen *callback
}

var socketEvents = []string{"open", "message", "close"}

// dial opens a socket through dialer, the page's function that makes one.
func (p *page) dial(dialer safejs.Value, url string, l listener) (*socket, error) {
	value, err := dialer.Invoke(url, bridge.Subprotocol)
	if err != nil {
		return nil, err
	}
	s := &socket{page: p, used: p.now(), value: value}
	s.listen, err = p.callback(func(args []safejs.Value) {
		contain(func() { s.happened(l, args) }, l.failed)
	})
	if err != nil {
		_, _ = value.Call("close")
		return nil, err
	}
	for _, event := range socketEvents {
		if _, err := value.Call("addEventListener", event, s.listen.fn); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *socket) happened(l listener, args []safejs.Value) {
	if s.listen.released || len(args) == 0 {
		return
	}
	switch textOf(args[0], "type") {
	case "open":
		l.opened(textOf(s.value, "protocol"))
	case "message":
		s.used = s.page.now()
		l.received([]byte(textOf(args[0], "data")))
	case "close":
		l.lost(causeOf(args[0]))
	}
}

// causeOf is why a connection ended: what the page has found out of a dial that failed,
// written as a fail of the proxy's, and otherwise no more than that it is gone.
func causeOf(event safejs.Value) *bridge.Error {
	if m, err := bridge.FromProxy([]byte(textOf(event, "fail"))); err == nil {
		if fail, ok := m.(*bridge.Fail); ok {
			return &fail.Error
		}
	}
	return bridge.NewError(bridge.CodeOffline, "")
}

// send gives a message to the browser, which keeps it until the link takes it.
func (s *socket) send(text []byte) error {
	s.used = s.page.now()
	_, err := s.value.Call("send", string(text))
	return err
}

// sendBytes sends what view covers. The browser copies it before it returns.
func (s *socket) sendBytes(view safejs.Value) error {
	s.used = s.page.now()
	_, err := s.value.Call("send", view)
	return err
}

// quiet is how long nothing was sent or received.
func (s *socket) quiet() time.Duration { return s.page.now() - s.used }

// buffered is how many bytes the link has not taken yet.
func (s *socket) buffered() int {
	v, err := s.value.Get("bufferedAmount")
	if err != nil {
		return 0
	}
	n, _ := v.Int()
	return n
}

// close ends the connection in good order: what was sent still arrives. Its
// listener is not called any more.
func (s *socket) close() {
	for _, event := range socketEvents {
		_, _ = s.value.Call("removeEventListener", event, s.listen.fn)
	}
	_, _ = s.value.Call("close")
	s.listen.release()
}

// textOf returns a property that is a string, else "".
func textOf(v safejs.Value, property string) string {
	p, err := v.Get(property)
	if err != nil || p.Type() != safejs.TypeString {
		return ""
	}
	s, _ := p.String()
	return s
}
