package proxy

import (
	"unicode/utf8"

	"github.com/coder/websocket"
)

// guard follows the frames of a socket as their bytes arrive and finds the two
// breaches of RFC 6455 that the WebSocket library lets pass: a length that is not
// written in as few bytes as it could be (5.2), and a close frame whose reason is
// not UTF-8 (5.5.1). The library answers the latter by echoing the reason, before
// anybody could look at it.
type guard struct {
	head    [14]byte // of the frame that is arriving: as much as has come
	headLen int
	left    int64                // bytes of its payload that have not come
	reason  []byte               // of a close frame: its payload, unmasked
	breach  websocket.StatusCode // what it found; 0: nothing
	empty   int64                // bytes that were no message's: headers, and control frames
}

const (
	opClose = 8
	masked  = 0x80
	largest = 125 // bytes of a control frame's payload
)

// pass returns how many bytes of p may be handed on. Where that is not all of
// them, breach says why, and nothing after them may pass.
func (g *guard) pass(p []byte) int {
	for i := 0; i < len(p); {
		if g.left > 0 {
			n := int(min(g.left, int64(len(p)-i)))
			if !g.payload(p[i : i+n]) {
				return i
			}
			i += n
			continue
		}
		g.head[g.headLen] = p[i]
		g.headLen++
		i++
		if g.headLen == g.size() && !g.begin() {
			return max(0, i-g.headLen)
		}
	}
	return len(p)
}

// size is how long the header is, by what has come of it.
func (g *guard) size() int {
	if g.headLen < 2 {
		return 2
	}
	n := 2
	switch g.head[1] &^ masked {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if g.head[1]&masked != 0 {
		n += 4
	}
	return n
}

// begin reads a header that is whole.
func (g *guard) begin() bool {
	length, least := int64(g.head[1]&^masked), int64(0)
	switch length {
	case 126:
		length, least = int64(g.head[2])<<8|int64(g.head[3]), 126
	case 127:
		length, least = 0, 1<<16
		for _, b := range g.head[2:10] {
			length = length<<8 | int64(b)
		}
	}
	// A length below zero is the library's to refuse.
	if length >= 0 && length < least {
		g.breach = websocket.StatusProtocolError
		return false
	}
	if g.empty += int64(g.headLen); g.head[0]&0x08 != 0 {
		g.empty += max(length, 0)
	}
	g.left, g.headLen = max(length, 0), 0
	g.reason = nil
	return true
}

// payload looks at the next bytes of the frame.
func (g *guard) payload(p []byte) bool {
	whole := g.left == int64(len(p))
	if g.head[0]&0x0f == opClose && len(g.reason)+len(p) <= largest {
		mask := [4]byte{}
		if size := g.maskAt(); size > 0 {
			copy(mask[:], g.head[size:])
		}
		for _, b := range p {
			g.reason = append(g.reason, b^mask[len(g.reason)%4])
		}
		if whole && len(g.reason) > 2 && !utf8.Valid(g.reason[2:]) {
			g.breach = websocket.StatusInvalidFramePayloadData
			return false
		}
	}
	g.left -= int64(len(p))
	return true
}

// maskAt is where the header's mask begins; 0 where it has none. A close frame's
// length is always written in one byte.
func (g *guard) maskAt() int {
	if g.head[1]&masked == 0 {
		return 0
	}
	return 2
}
