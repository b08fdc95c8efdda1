package main

import (
	"github.com/hack-pad/safejs"

	"attache/bridge"
	"attache/wasm/client"
)

// socket is a browser's WebSocket.
type socket struct {
	value  safejs.Value
	listen *callback
}

var socketEvents = []string{"open", "message", "close"}

// dial opens a socket through dialer, the page's function that makes one.
func (p *page) dial(dialer safejs.Value, url string, l client.Listener) (*client.Socket, error) {
	value, err := dialer.Invoke(url, bridge.Subprotocol)
	if err != nil {
		return nil, err
	}
	s := &socket{value: value}
	s.listen, err = p.callback(func(args []safejs.Value) { s.happened(l, args) })
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
	return &client.Socket{Send: s.send, SendFrame: s.sendFrame, Buffered: s.buffered, Close: s.close}, nil
}

func (s *socket) happened(l client.Listener, args []safejs.Value) {
	if s.listen.released || len(args) == 0 {
		return
	}
	switch textOf(args[0], "type") {
	case "open":
		l(client.Event{Kind: client.Opened, Text: textOf(s.value, "protocol")})
	case "message":
		l(client.Event{Kind: client.Received, Text: textOf(args[0], "data")})
	case "close":
		l(client.Event{Kind: client.Closed, Err: causeOf(args[0])})
	}
}

// causeOf returns why a connection ended. If a dial failed and the page has found out
// why, that is in the event, in the form of a fail of the proxy; otherwise the error
// only says that the connection is gone.
func causeOf(event safejs.Value) *bridge.Error {
	if m, err := bridge.FromProxy([]byte(textOf(event, "fail"))); err == nil {
		if fail, ok := m.(*bridge.Fail); ok {
			return &fail.Error
		}
	}
	return bridge.NewError(bridge.CodeOffline, "")
}

func (s *socket) send(text []byte) error {
	_, err := s.value.Call("send", string(text))
	return err
}

// sendFrame sends the bytes that the view covers. The browser copies them before it
// returns.
func (s *socket) sendFrame(v client.View) error {
	view, _ := v.(safejs.Value)
	_, err := s.value.Call("send", view)
	return err
}

func (s *socket) buffered() int {
	v, err := s.value.Get("bufferedAmount")
	if err != nil {
		return 0
	}
	n, _ := v.Int()
	return n
}

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
