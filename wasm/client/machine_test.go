package client

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
)

// machine is a client between a network that does anything and a proxy that follows
// the protocol. In any order of cuts, late and lost messages, refusals, expired tokens
// and calls, the client sends no bytes that the proxy did not ask for, reports each
// upload's end once, and leaks neither a socket nor a timer.
type machine struct {
	*world
	t       *rapid.T
	uploads []*sent
	known   map[*socketDouble]*peer
	asked   []int64 // requests for a token that are not answered yet
	closed  bool
}

// sent is an upload as both ends know it.
type sent struct {
	*fileDouble
	key     string
	offered bool // the proxy has received an offer of it
	stored  int  // durable at the proxy
	said    int  // that the proxy said is durable
	state   bridge.UploadState
	final   int // reports of a final state
	last    bridge.UploadState
}

func newMachine(t *rapid.T) *machine {
	m := &machine{world: newWorld(t), t: t, known: map[*socketDouble]*peer{}}
	m.world.token = func(number int64) { m.asked = append(m.asked, number) }
	m.open("", 0)
	return m
}

// TestAnyOrderOfEvents draws the order.
func TestAnyOrderOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"":         func(*rapid.T) { m.check() },
			"upload":   func(*rapid.T) { m.begin() },
			"open":     func(*rapid.T) { m.each(m.openOne) },
			"answer":   func(*rapid.T) { m.some(m.answer) },
			"frame":    func(*rapid.T) { m.some(m.takeFrame) },
			"ack":      func(*rapid.T) { m.each(m.ack) },
			"fill":     func(*rapid.T) { m.fillAll() },
			"round":    func(*rapid.T) { m.round() },
			"rounds":   func(*rapid.T) { m.round(); m.round() },
			"unread":   func(*rapid.T) { m.unreadOne() },
			"step":     func(*rapid.T) { m.step() },
			"cut":      func(*rapid.T) { m.some((*socketDouble).cut) },
			"cut data": func(*rapid.T) { m.cutData() },
			"power":    func(*rapid.T) { m.losePower() },
			"refuse":   func(*rapid.T) { m.refuse() },
			"late":     func(*rapid.T) { m.late() },
			"cancel":   func(*rapid.T) { m.cancelOne() },
			"token":    func(*rapid.T) { m.giveToken() },
			"wake":     func(*rapid.T) { m.wake() },
			"pass":     func(t *rapid.T) { m.pass(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond) },
		})
		m.settle()
		m.end()
	})
}

func (m *machine) live() (list []*socketDouble) {
	for _, s := range m.sockets {
		if !s.closed {
			list = append(list, s)
		}
	}
	return list
}

func (m *machine) each(f func(*socketDouble)) {
	for _, s := range m.live() {
		if !s.closed {
			f(s)
		}
	}
}

// some calls f with one random socket.
func (m *machine) some(f func(*socketDouble)) {
	if list := m.live(); len(list) > 0 {
		f(rapid.SampledFrom(list).Draw(m.t, "socket"))
	}
}

func (m *machine) one() *sent {
	if len(m.uploads) == 0 {
		return nil
	}
	return rapid.SampledFrom(m.uploads).Draw(m.t, "upload")
}

func (m *machine) find(key string) *sent {
	i := slices.IndexFunc(m.uploads, func(u *sent) bool { return u.key == key })
	require.GreaterOrEqual(m, i, 0)
	return m.uploads[i]
}

func (m *machine) begin() {
	if n := len(m.uploads); n < 5 && !m.closed {
		size := rapid.SampledFrom([]int{0, 1, 5000, 30_000, 200_000}).Draw(m.t, "size")
		u := &sent{fileDouble: m.newFile(int64(n+1), content(size)), key: strings.Repeat(fmt.Sprintf("%02x", n+1), 16), state: bridge.Offered}
		u.group = int64(rapid.IntRange(0, 1).Draw(m.t, "group"))
		m.uploads = append(m.uploads, u)
		u.upload(u.key, "a.bin")
	}
}

func (m *machine) openOne(s *socketDouble) {
	if p := m.peerOf(s); !p.opened {
		p.opened = true
		s.open()
	}
}

func (m *machine) fillAll() {
	for _, u := range m.uploads {
		switch {
		case u.length > 0 && rapid.IntRange(0, 2).Draw(m.t, "slow file") == 0:
		case u.length > 0:
			u.fill()
		case u.compare > 0:
			u.compare = 0
			u.filled(make([]byte, u.header))
		}
	}
}

func (m *machine) unreadOne() {
	if u := m.one(); u != nil && u.length > 0 && rapid.IntRange(0, 3).Draw(m.t, "broken") == 0 {
		u.length = 0
		m.unread(u.call, rapid.Bool().Draw(m.t, "before"))
	}
}

func (m *machine) cancelOne() {
	if u := m.one(); u != nil && rapid.IntRange(0, 3).Draw(m.t, "really") == 0 {
		m.cancel(u.call)
	}
}

// giveToken answers a request, of any age.
func (m *machine) giveToken() {
	if n := len(m.asked); n > 0 {
		i := rapid.IntRange(0, n-1).Draw(m.t, "request")
		number := m.asked[i]
		m.asked = slices.Delete(m.asked, i, i+1)
		m.give(number, "a token", false, "")
	}
}

// losePower cuts every socket, and the disk of the proxy loses the end of some uploads.
func (m *machine) losePower() {
	m.each((*socketDouble).cut)
	for _, u := range m.uploads {
		if u.state.Incoming() && rapid.IntRange(0, 2).Draw(m.t, "lost") == 0 {
			u.stored = rapid.IntRange(0, u.stored).Draw(m.t, "left")
		}
	}
}

// refuse sends a fail or a bye without a reason.
func (m *machine) refuse() {
	m.some(func(s *socketDouble) {
		if !m.peerOf(s).opened {
			return
		}
		code := rapid.SampledFrom([]bridge.Code{
			bridge.CodeBusy, bridge.CodeTimeout, bridge.CodeTokenExpired, bridge.CodeStorageUnavailable, bridge.CodeFrameChecksum,
		}).Draw(m.t, "code")
		u := m.one()
		switch {
		case rapid.IntRange(0, 4).Draw(m.t, "bye") == 0:
			s.push(&bridge.Bye{After: 500})
		case u != nil && rapid.Bool().Draw(m.t, "of an upload"):
			s.push(&bridge.Fail{Key: u.key, Error: *bridge.NewError(code, "")})
		default:
			s.push(&bridge.Fail{Error: *bridge.NewError(code, "")})
		}
	})
}

// late makes a closed socket deliver an event nevertheless.
func (m *machine) late() {
	for _, s := range m.sockets {
		if s.closed {
			before := len(m.heard)
			s.push(welcome())
			s.push(said(1000, "bo", "late"))
			if u := m.one(); u != nil {
				s.push(&bridge.Ack{Key: u.key, Stored: int64(len(u.content))})
			}
			s.cut()
			require.Len(m, m.heard, before, "a socket that was dropped is heard")
			return
		}
	}
}

// check reads the client's reports since the last call.
func (m *machine) check() {
	for _, h := range m.words(WordUpload, WordProgress, WordClosed, WordFail) {
		switch h.word {
		case WordClosed:
			m.closed = true
		case WordFail:
			require.Fail(m, "a call failed", h.text)
		default:
			m.reported(m.uploads[h.call-1], h)
		}
	}
	for _, s := range m.live() {
		bytes := 0
		for _, frame := range s.frames {
			bytes += len(frame)
		}
		require.LessOrEqual(m, bytes, bridge.MaxWindow)
	}
}

func (m *machine) reported(u *sent, h heard) {
	_, rest, _ := strings.Cut(h.text, `"state":"`)
	name, _, _ := strings.Cut(rest, `"`)
	state := bridge.UploadState(name)
	var at struct{ sent, stored, total int }
	_, rest, _ = strings.Cut(h.text, `"sent":`)
	_, err := fmt.Sscanf(rest, `%d,"stored":%d,"total":%d`, &at.sent, &at.stored, &at.total)
	require.NoError(m, err, h.text)
	require.LessOrEqual(m, at.stored, at.sent)
	require.LessOrEqual(m, at.sent, len(u.content))
	if !state.Complete() {
		require.LessOrEqual(m, at.stored, u.said, "more is reported as stored than the proxy said")
	}
	if h.word == WordProgress {
		return
	}
	require.Zero(m, u.final, "a report after the end: %s", h.text)
	if u.last != "" {
		require.True(m, state.Final() || u.last.May(state), "%s after %s", state, u.last)
	}
	u.last = state
	if state.Final() {
		u.final++
	}
}

// round is one round of a network without faults.
func (m *machine) round() {
	for len(m.asked) > 0 {
		number := m.asked[0]
		m.asked = m.asked[1:]
		m.give(number, "a token", false, "")
	}
	m.each(m.openOne)
	m.each(m.answer)
	m.fillAll()
	m.each(m.takeFrame)
	m.each(m.ack)
}

func (m *machine) cutData() {
	for _, s := range m.live() {
		if strings.HasSuffix(s.url, bridge.PathData+bridge.QueryData) {
			s.cut()
		}
	}
}

// settle runs rounds without faults until everything has ended.
func (m *machine) settle() {
	m.check()
	for range 400 {
		if m.closed || !slices.ContainsFunc(m.uploads, func(u *sent) bool { return u.final == 0 }) {
			break
		}
		for range 4 {
			m.round()
		}
		m.step()
		m.pass(500 * time.Millisecond)
		m.check()
	}
	if m.closed {
		return
	}
	for _, u := range m.uploads {
		require.Equal(m, 1, u.final, "reports of the end of %s, of %d bytes, which is %s at the proxy and %s here", u.key, len(u.content), u.state, u.last)
	}
}
