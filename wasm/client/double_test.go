package client

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/bridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a test double of a host. Sockets and files act only when a test makes
// them, and time passes only when it says so.
type world struct {
	tester
	clockDouble
	client    *Client
	sockets   []*socketDouble
	heard     []heard
	secureKey string
	token     func(number int64) // the application, asked for one
}

// heard is one report of a session.
type heard struct {
	word Word
	call int64
	text string
}

// tester is the part that *testing.T and *rapid.T have in common.
type tester interface {
	require.TestingT
	Helper()
	Log(args ...any)
}

const handle = 7

// newTestWorld checks at the test's end that the client holds no socket and no timer.
func newTestWorld(t *testing.T) *world {
	w := newWorld(t)
	t.Cleanup(w.end)
	return w
}

func newWorld(t tester) *world {
	w := &world{tester: t}
	random := rand.New(rand.NewPCG(1, 2))
	w.client = New(Host{
		Now: w.now, After: w.after, Date: func() int64 { return w.at.Milliseconds() },
		Random: random.Float64, Log: func(text string) { t.Log(text) }, Idle: func() {},
	})
	w.token = func(number int64) { w.give(number, "a token", false, "") }
	return w
}

func (w *world) end() {
	w.do(func(s *Session) { s.Close() })
	for _, s := range w.sockets {
		require.True(w, s.closed, "a socket that was not closed")
	}
	require.Empty(w, w.timers, "timers that were not stopped")
	require.Empty(w, w.client.sessions)
}

func (w *world) do(f func(s *Session)) { w.client.Do(handle, f) }

func (w *world) cancel(call int64) { w.do(func(s *Session) { s.Cancel(call) }) }

func (w *world) wake() { w.do(func(s *Session) { s.Wake() }) }

func (w *world) say(call int64, key, text string) {
	w.do(func(s *Session) { s.Say(call, bridge.Say{Key: key, Text: text}) })
}

func (w *world) unread(call int64, before bool) {
	w.do(func(s *Session) { s.Unread(call, before) })
}

func (w *world) give(number int64, token string, fixed bool, problem string) {
	w.do(func(s *Session) { s.Token(number, token, fixed, problem) })
}

// open opens a session, which continues id from position if that is not empty.
func (w *world) open(id string, position int64) {
	w.client.Open(handle, Options{
		URL: "wss://files.example/base", SecureKey: w.secureKey, ID: id, Position: position,
		Dial: func(url string, l Listener) (*Socket, error) { return w.newSocket(url, l), nil },
		Report: func(word Word, call int64, text []byte) {
			w.heard = append(w.heard, heard{word, call, string(text)})
			if word == WordToken {
				w.token(call)
			}
		},
	})
}

// words returns the reports of these words since the last call, and drops all others.
func (w *world) words(words ...Word) []heard {
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
	require.Len(w, w.words(WordWelcome), 1)
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

// socketDouble is a WebSocket.
type socketDouble struct {
	w           *world
	url         string
	subprotocol string
	listener    Listener
	texts       []bridge.Wire
	frames      [][]byte
	closed      bool
}

func (w *world) newSocket(url string, l Listener) *Socket {
	s := &socketDouble{w: w, url: url, subprotocol: bridge.Subprotocol, listener: l}
	w.sockets = append(w.sockets, s)
	return &Socket{
		Send: s.take,
		SendFrame: func(v View) error {
			s.frames = append(s.frames, append([]byte(nil), v.([]byte)...))
			return nil
		},
		Buffered: func() int { return 0 },
		Close:    func() { s.closed = true },
	}
}

func (s *socketDouble) take(text []byte) error {
	m, err := bridge.FromPage(text)
	require.NoError(s.w, err)
	s.texts = append(s.texts, m)
	return nil
}

func (s *socketDouble) open() { s.listener(Event{Kind: Opened, Text: s.subprotocol}) }

func (s *socketDouble) cut() {
	s.listener(Event{Kind: Closed, Err: bridge.NewError(bridge.CodeOffline, "")})
}

func (s *socketDouble) text(text string) { s.listener(Event{Kind: Received, Text: text}) }

// push makes the proxy send a message.
func (s *socketDouble) push(m bridge.Wire) { s.text(string(bridge.AppendMessage(nil, m))) }

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
	offset   int    // of the read under way
	length   int    // 0: none
	header   int    // bytes of headroom
	digest   string // of everything before the next piece
	compare  int    // reads of length 0, which only compare
	released int
	group    int64 // of files that were chosen together
}

func (w *world) newFile(call int64, content []byte) *fileDouble {
	return &fileDouble{w: w, call: call, content: content}
}

func (f *fileDouble) pump() Pump {
	return Pump{
		Prepare: func(header, _ int64, digest string) error { f.header, f.digest = int(header), digest; return nil },
		Read: func(offset, length int64) error {
			require.Zero(f.w, f.length, "two reads at a time")
			f.offset, f.length = int(offset), int(length)
			if length == 0 {
				f.compare++
			}
			return nil
		},
		Seal: func(v View, h bridge.Frame, offer []byte, length int64) error {
			frame := v.([]byte)
			require.Len(f.w, frame, bridge.FrameHeader+len(offer)+int(length))
			copy(frame[bridge.FrameHeader:], offer)
			if !h.Unchecked {
				h.Checksum = bridge.Checksum(frame[bridge.FrameHeader:])
			}
			bridge.PutFrame(frame, h)
			return nil
		},
		Release: func() {
			f.released++
			f.length = 0
		},
	}
}

func (f *fileDouble) upload(key, name string) {
	f.w.do(func(s *Session) {
		s.Upload(f.call, f.group, bridge.Offer{Key: key, Name: name, Size: int64(len(f.content))}, f.pump())
	})
}

// fill ends the read under way.
func (f *fileDouble) fill() {
	f.w.Helper()
	require.NotZero(f.w, f.length, "nothing is being read")
	piece := f.content[f.offset : f.offset+f.length]
	f.length = 0
	f.filled(append(make([]byte, f.header), piece...))
}

func (f *fileDouble) filled(view []byte) { f.w.do(func(s *Session) { s.Filled(f.call, view) }) }

// compared ends a comparison of the whole file.
func (f *fileDouble) compared(same bool) {
	f.w.Helper()
	require.Equal(f.w, 1, f.compare, "comparisons")
	require.Equal(f.w, len(f.content), f.offset)
	f.compare = 0
	if !same {
		f.w.unread(f.call, true)
		return
	}
	f.filled(make([]byte, f.header))
}
