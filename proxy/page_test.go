package proxy_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"attache/bridge"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// page speaks the protocol as a browser page does, one message at a time. It is a tool, not
// a second implementation: the test decides what it sends.
type page struct {
	t    testing.TB
	conn *websocket.Conn
}

func (w *world) dial(path string, header http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), wait)
	defer cancel()
	if header == nil {
		header = http.Header{"Origin": {origin}}
	}
	url := "ws" + strings.TrimPrefix(w.Server.URL, "http") + path
	return websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{bridge.Subprotocol}})
}

func (w *world) open(path string) *page {
	w.t.Helper()
	conn, _, err := w.dial(path, nil)
	require.NoError(w.t, err)
	conn.SetReadLimit(1 << 20)
	w.t.Cleanup(func() { conn.CloseNow() })
	return &page{w.t, conn}
}

// join opens the chat socket of that party and reads the welcome.
func (w *world) join(token string) (*page, *bridge.Welcome) {
	w.t.Helper()
	p := w.open(bridge.PathChat)
	p.send(&bridge.Hello{Token: token})
	welcome, ok := p.next().(*bridge.Welcome)
	require.True(w.t, ok, "the answer to hello is welcome")
	return p, welcome
}

// data opens the data socket of that party.
func (w *world) data(token string) *page {
	w.t.Helper()
	p := w.open(bridge.PathData)
	p.send(&bridge.Hello{Token: token})
	_, ok := p.next().(*bridge.Ready)
	require.True(w.t, ok, "the answer to hello is ready")
	return p
}

func (p *page) send(m bridge.Wire) { p.sendText(string(bridge.AppendMessage(nil, m))) }

func (p *page) sendText(s string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), wait)
	defer cancel()
	require.NoError(p.t, p.conn.Write(ctx, websocket.MessageText, []byte(s)))
}

// frame sends a piece of a file as it should be.
func (p *page) frame(key string, offset int64, payload []byte) {
	p.t.Helper()
	k, err := bridge.ParseKey(key)
	require.NoError(p.t, err)
	p.binary(makeFrame(bridge.Frame{Key: k, Offset: offset, Checksum: bridge.Checksum(payload)}, payload))
}

func makeFrame(f bridge.Frame, payload []byte) []byte {
	out := make([]byte, bridge.FrameHeader, bridge.FrameHeader+len(payload))
	bridge.PutFrame(out, f)
	return append(out, payload...)
}

func (p *page) binary(b []byte) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), wait)
	defer cancel()
	require.NoError(p.t, p.conn.Write(ctx, websocket.MessageBinary, b))
}

// next reads the next message.
func (p *page) next() bridge.Wire {
	p.t.Helper()
	m, err := p.read()
	require.NoError(p.t, err)
	return m
}

func (p *page) read() (bridge.Wire, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), wait)
	defer cancel()
	_, b, err := p.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	return bridge.FromProxy(b)
}

// closed reads the messages still in flight and returns the close code.
func (p *page) closed() websocket.StatusCode {
	p.t.Helper()
	for {
		if _, err := p.read(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// await reads until a message of type M for which is answers true.
func await[M bridge.Wire](p *page, is func(M) bool) M {
	p.t.Helper()
	for {
		m, ok := p.next().(M)
		if ok && is(m) {
			return m
		}
	}
}

func anything[M any](M) bool { return true }

// refused reads until a fail and returns its code.
func (p *page) refused() bridge.Code {
	p.t.Helper()
	return await(p, anything[*bridge.Fail]).Error.Code
}

// offer offers an upload and returns how it is accepted.
func (p *page) offer(o *bridge.Offer) *bridge.Accept {
	p.t.Helper()
	p.send(o)
	return await(p, func(m *bridge.Accept) bool { return m.Key == o.Key })
}

// part sends one frame and returns once it is durable.
func (p *page) part(key string, offset int64, b []byte) {
	p.t.Helper()
	p.frame(key, offset, b)
	await(p, func(m *bridge.Ack) bool { return m.Key == key && m.Stored == offset+int64(len(b)) })
}

// announced reads until the upload of that key is in the transcript.
func (p *page) announced(key string) bridge.File {
	p.t.Helper()
	m := await(p, func(m *bridge.EventAdded) bool { return m.Event.Key == key })
	f, err := bridge.DecodeFile(m.Event)
	require.NoError(p.t, err)
	return f
}

// upload sends a file the whole way and returns it as announced.
func (w *world) upload(p, d *page, name string, content []byte) bridge.File {
	w.t.Helper()
	key := newKey()
	p.send(&bridge.Offer{Key: key, Name: name, Size: int64(len(content))})
	if len(content) > 0 {
		await(p, func(m *bridge.Accept) bool { return m.Key == key })
	}
	for offset := 0; offset < len(content); offset += pieceLength {
		end := min(offset+pieceLength, len(content))
		d.frame(key, int64(offset), content[offset:end])
	}
	return p.announced(key)
}

const pieceLength = 200_000

func newKey() string {
	var k bridge.Key
	rand.Read(k[:])
	return k.String()
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// wait bounds every step of a test; no step is ever expected to take that long.
const wait = time.Minute

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}
