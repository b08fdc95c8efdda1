package client

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
)

// The proxy of a [machine] follows the protocol, and checks what the client sends.

// peer is the proxy's end of one socket.
type peer struct {
	opened, greeted bool
	ends            map[string]int // of the frames of each upload: where the next one begins
	acks            []*sent        // not sent yet
}

// peerOf returns the proxy's end of a socket, or nil if the client has closed it.
func (m *machine) peerOf(s *socketDouble) *peer {
	if m.known[s] == nil {
		m.known[s] = &peer{ends: map[string]int{}}
	}
	return m.known[s]
}

// answer handles the next message of a socket as a proxy does.
func (m *machine) answer(s *socketDouble) {
	p := m.peerOf(s)
	if len(s.texts) == 0 {
		return
	}
	text := s.texts[0]
	s.texts = s.texts[1:]
	switch text := text.(type) {
	case *bridge.Hello:
		p.greeted = true
		if strings.HasSuffix(s.url, bridge.PathData+bridge.QueryData) {
			s.push(&bridge.Ready{
				MaxFrame: 20_000, Offers: rapid.Bool().Draw(m.t, "offers"), Unchecked: rapid.Bool().Draw(m.t, "unchecked"),
			})
			return
		}
		s.push(welcome())
	case *bridge.Ping:
		s.push(&bridge.Done{})
	case *bridge.Offer:
		u := m.find(text.Key)
		if text.Acked != nil {
			require.LessOrEqual(m, *text.Acked, int64(u.said), "more is acked than the proxy said")
		}
		m.answerOffer(s, u)
	case *bridge.Cancel:
		u := m.find(text.Key)
		if u.offered && !u.state.Final() && u.state != bridge.Stored {
			u.state = bridge.Cancelled
		}
		if u.offered {
			m.sendState(s, u)
		} else {
			s.push(&bridge.Fail{Key: u.key, Error: *bridge.NewError(bridge.CodeUploadUnknown, "")})
		}
	}
}

func (m *machine) answerOffer(s *socketDouble, u *sent) {
	u.offered = true
	if u.state.Incoming() {
		u.said = u.stored
		m.sendAccept(s, u)
		m.accept(s, u)
		return
	}
	if u.state.Complete() {
		m.sendAccept(s, u)
	}
	m.sendState(s, u)
}

func (m *machine) sendAccept(s *socketDouble, u *sent) {
	sum := sha256.Sum256(u.content[:u.stored])
	s.push(&bridge.Accept{Key: u.key, Offset: int64(u.stored), Digest: hex.EncodeToString(sum[:])})
}

// accept is the proxy's next step once every byte is there.
func (m *machine) accept(s *socketDouble, u *sent) {
	if u.offered && u.state.Incoming() && u.stored == len(u.content) {
		u.state = bridge.Accepted
		m.sendState(s, u)
	}
}

func (m *machine) sendState(s *socketDouble, u *sent) {
	change := &bridge.Upload{Key: u.key, State: u.state}
	if u.state.Complete() {
		u.said = len(u.content)
	}
	switch u.state {
	case bridge.Announced:
		e := announcement(u.key, len(u.content))
		e.ID = 100 + u.call
		change.Event = &e
	case bridge.Failed:
		change.Error = bridge.NewError(bridge.CodeInfected, "")
	}
	s.push(change)
}

// chat is the socket on which the proxy can send states.
func (m *machine) chat() *socketDouble {
	for _, s := range m.live() {
		if p := m.peerOf(s); p.greeted && strings.HasSuffix(s.url, bridge.PathChat) {
			return s
		}
	}
	return nil
}

// takeFrame checks the next frame of a data socket, and stores it.
func (m *machine) takeFrame(s *socketDouble) {
	p := m.peerOf(s)
	if len(s.frames) == 0 {
		return
	}
	require.True(m, p.greeted, "a frame before ready")
	f, payload, err := bridge.ParseFrame(s.frames[0])
	s.frames = s.frames[1:]
	require.NoError(m, err)
	require.NoError(m, f.Verify(payload))
	u := m.find(f.Key.String())
	if f.Offer > 0 {
		m.takeFile(s, u, f, payload)
		return
	}
	require.Equal(m, u.content[f.Offset:int(f.Offset)+len(payload)], payload)
	next, again := p.ends[u.key]
	require.True(m, int(f.Offset) == u.said || again && int(f.Offset) == next,
		"a frame at %d: the proxy said %d, the one before ended at %d", f.Offset, u.said, next)
	p.ends[u.key] = int(f.Offset) + len(payload)
	switch {
	case !u.state.Incoming():
	case int(f.Offset) == u.stored:
		u.stored += len(payload)
		p.acks = append(p.acks, u)
	default:
		s.push(&bridge.Fail{Key: u.key, Error: *bridge.NewError(bridge.CodeFrameOffset, "")})
	}
}

// takeFile stores a file that came whole with its offer. Its first offer is the only one
// that may come so.
func (m *machine) takeFile(s *socketDouble, u *sent, f bridge.Frame, payload []byte) {
	o, all, err := f.SplitOffer(payload)
	require.NoError(m, err)
	require.Equal(m, "a.bin", o.Name)
	require.Equal(m, u.content, all)
	if u.offered { // its answer to a later offer was faster
		return
	}
	u.offered, u.stored = true, len(all)
	p := m.peerOf(s)
	p.acks = append(p.acks, u)
}

// ack sends one ack that is due.
func (m *machine) ack(s *socketDouble) {
	p := m.peerOf(s)
	if len(p.acks) == 0 {
		return
	}
	u := p.acks[0]
	p.acks = p.acks[1:]
	u.said = max(u.said, u.stored)
	s.push(&bridge.Ack{Key: u.key, Stored: int64(u.stored)})
}

// step advances each accepted upload, whether the page is sent its state or not.
func (m *machine) step() {
	chat := m.chat()
	for _, u := range m.uploads {
		switch {
		case u.offered && u.state.Incoming() && u.stored == len(u.content):
			u.state = bridge.Accepted
		case u.state == bridge.Accepted && rapid.IntRange(0, 9).Draw(m.t, "infected") == 0:
			u.state = bridge.Failed
		case u.state == bridge.Accepted:
			u.state = bridge.Stored
		case u.state == bridge.Stored:
			u.state = bridge.Announced
		default:
			continue
		}
		if chat != nil && !chat.closed {
			m.sendState(chat, u)
		}
	}
}
