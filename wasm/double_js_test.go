package main

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"

	"github.com/hack-pad/safejs"
	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// world is a test double of the page around the module: of attache.js and of a
// browser. Sockets and files act only when a test makes them. (The client's behaviour
// is tested natively; these tests are about the border.)
type world struct {
	*testing.T
	page    *page
	api     safejs.Value
	sockets []*socketDouble
	heard   []heard
	calls   int // of the function that hears
	release []func()
}

// heard is one report of the module.
type heard struct {
	word string
	call int64
	text string
}

const handle = 7

// newWorld checks at the test's end that the module holds no callback.
func newWorld(t *testing.T) *world {
	w := &world{T: t, page: newPage()}
	var err error
	w.api, err = w.page.exports()
	require.NoError(t, err)
	t.Cleanup(func() {
		w.call("close", handle)
		require.Zero(t, w.page.live, "callbacks that were not released")
		for _, release := range w.release {
			release()
		}
	})
	return w
}

func (w *world) function(f func(args []safejs.Value) any) safejs.Value {
	w.Helper()
	fn, err := safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any { return f(args) })
	require.NoError(w, err)
	w.release = append(w.release, fn.Release)
	return fn.Value()
}

func newObject(t require.TestingT) safejs.Value {
	constructor, err := safejs.Global().Get("Object")
	require.NoError(t, err)
	v, err := constructor.New()
	require.NoError(t, err)
	return v
}

// call calls a function of the module's and returns what it returned.
func (w *world) call(name string, args ...any) any {
	w.Helper()
	v, err := w.api.Call(name, args...)
	require.NoError(w, err)
	if v.Type() != safejs.TypeString {
		return nil
	}
	s, err := v.String()
	require.NoError(w, err)
	return s
}

// report is the function that a session reports to: three arguments a report.
func (w *world) report() safejs.Value {
	return w.function(func(args []safejs.Value) any {
		w.calls++
		for ; len(args) > 0; args = args[3:] {
			word, _ := args[0].String()
			call, _ := args[1].Int()
			text, _ := args[2].String()
			w.heard = append(w.heard, heard{word, int64(call), text})
			if word == "token" {
				w.call("token", handle, call, "a token", false, "")
			}
		}
		return nil
	})
}

// open opens a session, which continues id from position if that is not empty.
func (w *world) open(id string, position int64) {
	w.Helper()
	report := w.report()
	dial := w.function(func(args []safejs.Value) any {
		url, _ := args[0].String()
		protocol, _ := args[1].String()
		require.Equal(w, bridge.Subprotocol, protocol)
		return w.newSocket(url).value
	})
	require.Nil(w, w.call("open", handle, report, dial, "wss://files.example/base", 0, "the key", id, position, ""))
}

// words returns the reports of these words since the last call, and drops all others.
func (w *world) words(words ...string) []heard {
	var list []heard
	for _, h := range w.heard {
		for _, word := range words {
			if h.word == word {
				list = append(list, h)
			}
		}
	}
	w.heard = nil
	return list
}

// connected opens a session and plays the proxy until it is welcome.
func (w *world) connected(change ...func(*bridge.Welcome)) *socketDouble {
	w.Helper()
	w.open("", 0)
	s := w.last()
	s.open()
	s.hello()
	s.push(welcome(change...))
	require.Len(w, w.words("welcome"), 1)
	return s
}

func welcome(change ...func(*bridge.Welcome)) *bridge.Welcome {
	m := &bridge.Welcome{
		Session:  "chat-1",
		Party:    bridge.Party{UserID: "ada", Nickname: "Ada", UserType: bridge.Agent},
		Rights:   []string{"chat", "upload:file-system", "download"},
		Limits:   bridge.Unlimited(),
		MaxFrame: bridge.MaxFrame,
	}
	for _, f := range change {
		f(m)
	}
	return m
}

// last is the newest socket that is open or being opened.
func (w *world) last() *socketDouble {
	w.Helper()
	require.NotEmpty(w, w.sockets, "no socket was opened")
	return w.sockets[len(w.sockets)-1]
}

// socketDouble is a browser's WebSocket.
type socketDouble struct {
	w         *world
	url       string
	value     safejs.Value
	listeners map[string]safejs.Value
	texts     []bridge.Wire
	frames    [][]byte
	closed    bool
}

func (w *world) newSocket(url string) *socketDouble {
	s := &socketDouble{w: w, url: url, value: newObject(w), listeners: map[string]safejs.Value{}}
	w.sockets = append(w.sockets, s)
	s.set("protocol", bridge.Subprotocol)
	s.set("bufferedAmount", 0)
	s.set("addEventListener", w.function(func(args []safejs.Value) any {
		event, _ := args[0].String()
		s.listeners[event] = args[1]
		return nil
	}))
	s.set("removeEventListener", w.function(func(args []safejs.Value) any {
		event, _ := args[0].String()
		delete(s.listeners, event)
		return nil
	}))
	s.set("close", w.function(func([]safejs.Value) any { s.closed = true; return nil }))
	s.set("send", w.function(func(args []safejs.Value) any { s.take(args[0]); return nil }))
	return s
}

func (s *socketDouble) set(key string, v any) { require.NoError(s.w, s.value.Set(key, v)) }

// take receives a message as the browser does: a text, or a view's bytes.
func (s *socketDouble) take(v safejs.Value) {
	if v.Type() == safejs.TypeString {
		text, _ := v.String()
		m, err := bridge.FromPage([]byte(text))
		require.NoError(s.w, err)
		s.texts = append(s.texts, m)
		return
	}
	n, err := v.Length()
	require.NoError(s.w, err)
	frame := make([]byte, n)
	_, err = safejs.CopyBytesToGo(frame, v)
	require.NoError(s.w, err)
	s.frames = append(s.frames, frame)
}

func (s *socketDouble) fire(event string, data any) {
	s.w.Helper()
	listener, ok := s.listeners[event]
	if !ok {
		return
	}
	e := newObject(s.w)
	require.NoError(s.w, e.Set("type", event))
	require.NoError(s.w, e.Set("data", data))
	_, err := listener.Invoke(e)
	require.NoError(s.w, err)
}

func (s *socketDouble) open() { s.w.Helper(); s.fire("open", nil) }
func (s *socketDouble) cut()  { s.w.Helper(); s.fire("close", nil) }

// push makes the proxy send a message.
func (s *socketDouble) push(m bridge.Wire) {
	s.w.Helper()
	s.fire("message", string(bridge.AppendMessage(nil, m)))
}

// sent returns the messages since the last call.
func (s *socketDouble) sent() []bridge.Wire {
	texts := s.texts
	s.texts = nil
	return texts
}

// only returns the one message since the last call.
func only[M bridge.Wire](s *socketDouble) M {
	s.w.Helper()
	list := s.sent()
	require.Len(s.w, list, 1)
	m, ok := list[0].(M)
	require.True(s.w, ok, "%T", list[0])
	return m
}

func (s *socketDouble) hello() *bridge.Hello { s.w.Helper(); return only[*bridge.Hello](s) }

// fileDouble is a file and the pump that reads it.
type fileDouble struct {
	w        *world
	call     int64
	content  []byte
	value    safejs.Value
	offset   int // of the read under way
	length   int // 0: none
	released int
}

func (w *world) newFile(call int64, content []byte) *fileDouble {
	f := &fileDouble{w: w, call: call, content: content, value: newObject(w)}
	require.NoError(w, f.value.Set("prepare", w.function(func([]safejs.Value) any { return nil })))
	require.NoError(w, f.value.Set("read", w.function(func(args []safejs.Value) any {
		require.Zero(w, f.length, "two reads at a time")
		f.offset, _ = args[0].Int()
		f.length, _ = args[1].Int()
		return nil
	})))
	require.NoError(w, f.value.Set("release", w.function(func([]safejs.Value) any {
		f.released++
		f.length = 0
		return nil
	})))
	return f
}

func (f *fileDouble) upload(key, name string) {
	f.w.Helper()
	f.w.call("upload", handle, f.call, f.value, 0, key, name, len(f.content), "", "", "", "", "")
}

// fill ends the read under way.
func (f *fileDouble) fill() {
	f.w.Helper()
	require.NotZero(f.w, f.length, "nothing is being read")
	piece := f.content[f.offset : f.offset+f.length]
	f.length = 0
	f.w.call("filled", handle, f.call, f.w.view(append(make([]byte, bridge.FrameHeader), piece...)))
}

func (w *world) list(values ...any) safejs.Value {
	v, err := safejs.ValueOf(values)
	require.NoError(w, err)
	return v
}

func (w *world) view(content []byte) safejs.Value {
	constructor, err := safejs.Global().Get("Uint8Array")
	require.NoError(w, err)
	v, err := constructor.New(len(content))
	require.NoError(w, err)
	_, err = safejs.CopyBytesToJS(v, content)
	require.NoError(w, err)
	return v
}

const key = "00112233445566778899aabbccddeeff"

func content(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

// ready plays the proxy's side of the data socket until it is ready.
func (w *world) ready() *socketDouble {
	w.Helper()
	d := w.last()
	require.Equal(w, "wss://files.example/base/attache/data?frames=2", d.url)
	d.open()
	require.Equal(w, "a token", d.hello().Token)
	d.push(&bridge.Ready{MaxFrame: bridge.MaxFrame})
	return d
}

// transfer lets the file be read and stored from that byte on.
func (d *socketDouble) transfer(f *fileDouble, key string, from int) {
	d.w.Helper()
	for stored := from; stored < len(f.content); {
		for f.length > 0 {
			f.fill()
		}
		require.NotEmpty(d.w, d.frames)
		frame, payload, err := bridge.ParseFrame(d.frames[0])
		d.frames = d.frames[1:]
		require.NoError(d.w, err)
		require.NoError(d.w, frame.Verify(payload))
		require.Equal(d.w, key, frame.Key.String())
		require.EqualValues(d.w, stored, frame.Offset)
		require.True(d.w, bytes.Equal(f.content[stored:stored+len(payload)], payload), "the bytes that arrived")
		stored += len(payload)
		d.push(&bridge.Ack{Key: key, Stored: int64(stored)})
	}
}

// states returns the states of an upload since the last call.
func (w *world) states() []string {
	var list []string
	for _, h := range w.words("upload") {
		_, rest, _ := strings.Cut(h.text, `"state":"`)
		state, _, _ := strings.Cut(rest, `"`)
		list = append(list, state)
	}
	return list
}

func said(id int64, from, text string) *bridge.EventAdded {
	return &bridge.EventAdded{Event: bridge.Event{
		ID: id, Type: bridge.Message, At: 1, Visibility: bridge.All, Text: text,
		From: bridge.Party{UserID: from, UserType: bridge.Client},
	}}
}
