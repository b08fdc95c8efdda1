package proxy

import (
	"unicode/utf8"

	"github.com/coder/websocket"
)

// guard parses the frames of a socket as their bytes arrive and finds the two breaches of
// RFC 6455 that the WebSocket library accepts: a length that is not written in the
// fewest possible bytes (5.2), and a close frame whose reason is not UTF-8 (5.5.1). The
// library answers the latter by echoing the reason, before its caller can see it.
type guard struct {
	head     [14]byte // of the frame that is arriving, as far as it has arrived
	headLen  int
	left     int64                // bytes of its payload that have not arrived
	reason   []byte               // of a close frame: its payload, unmasked
	breach   websocket.StatusCode // 0: none was found
	overhead int64                // bytes that belong to no message: headers, and control frames
}

const (
	opClose = 8
	masked  = 0x80
	largest = 125 // bytes of a control frame's payload
)

// pass returns how many bytes of p may be passed on. If that is not all of them, breach
// says why, and no later byte may pass.
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

// size returns the length of the header, as far as its first bytes show it.
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

// begin reads a whole header.
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
	// The library refuses a length below zero.
	if length >= 0 && length < least {
		g.breach = websocket.StatusProtocolError
		return false
	}
	if g.overhead += int64(g.headLen); g.head[0]&0x08 != 0 {
		g.overhead += max(length, 0)
	}
	g.left, g.headLen = max(length, 0), 0
	g.reason = nil
	return true
}

// payload checks the next bytes of the frame.
func (g *guard) payload(p []byte) bool {
	whole := g.left == int64(len(p))
	if g.head[0]&0x0f == opClose && len(g.reason)+len(p) <= largest {
		mask := [4]byte{}
		if at := g.maskAt(); at > 0 {
			copy(mask[:], g.head[at:])
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

// maskAt is where the header's mask begins; 0 if it has none. The length of a close frame
// is always written in one byte.
func (g *guard) maskAt() int {
	if g.head[1]&masked == 0 {
		return 0
	}
	return 2
}
