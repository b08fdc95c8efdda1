package proxy_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"attache/bridge"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// wireCase is a page's bytes on its chat socket after the welcome, and the reaction of a
// server that implements RFC 6455.
type wireCase struct {
	name string
	sent []byte
	// closes are the close codes with which the connection may end; 1006 is an end
	// without a close frame. Without any the connection stays open.
	closes []websocket.StatusCode
	pong   *string // the payload that a pong must have; nil: any, or no pong
}

const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa
	fin        = 0x80
)

var (
	breaks1002 = []websocket.StatusCode{websocket.StatusProtocolError}
	breaks1007 = []websocket.StatusCode{websocket.StatusInvalidFramePayloadData}
	breaksMute = []websocket.StatusCode{websocket.StatusProtocolError, websocket.StatusPolicyViolation, websocket.StatusAbnormalClosure}
)

// piece is a masked frame whose first byte is given.
func piece(first byte, payload string) []byte {
	return pieceOf(first, payload, lengthOf(len(payload)), 0x80)
}

// lengthOf writes a length in the fewest possible bytes.
func lengthOf(n int) []byte {
	switch {
	case n < 126:
		return []byte{byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{126}, uint16(n))
	}
	return binary.BigEndian.AppendUint64([]byte{127}, uint64(n))
}

func pieceOf(first byte, payload string, length []byte, maskBit byte) []byte {
	out := append([]byte{first}, length...)
	out[1] |= maskBit
	mask := []byte{0x37, 0xfa, 0x21, 0x3d}
	if maskBit == 0 {
		return append(out, payload...)
	}
	out = append(out, mask...)
	for i := range len(payload) {
		out = append(out, payload[i]^mask[i%4])
	}
	return out
}

// question is a text that is answered.
func question(ref int) string {
	return string(bridge.AppendMessage(nil, &bridge.Ping{Ref: int64(ref)}))
}

// words is a text message whose text contains s unchanged.
func words(s string) string {
	return `{"type":"say","ref":1,"key":"` + newKey() + `","text":"a` + s + `z"}`
}

func closing(code int, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

// TestRFC6455 runs every case against a proxy as pages see it. T6, T7 and T8 depend on it.
func TestRFC6455(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := slices.Concat(lengthCases(), controlCases(), reservedCases(), opcodeCases(), fragmentCases(), closeCases(), maskCases(), utf8Cases())
	require.GreaterOrEqual(t, len(cases), 300)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn := w.raw()
			defer conn.Close()
			token := w.Token(fmt.Sprintf("rfc%d", i), "alice", bridge.Agent, bridge.AllRights...)
			conn.Write(piece(fin|opText, string(bridge.AppendMessage(nil, &bridge.Hello{Token: token}))))
			r := bufio.NewReader(conn)
			awaitText(t, conn, r, `"type":"welcome"`)
			awaitText(t, conn, r, `"type":"event"`) // that it joined: after this the proxy sends nothing unasked
			conn.Write(c.sent)
			if c.closes == nil {
				conn.Write(piece(fin|opText, question(7777)))
				pong := awaitText(t, conn, r, `"ref":7777`)
				if c.pong != nil {
					require.Equal(t, *c.pong, pong)
				}
				return
			}
			require.Contains(t, c.closes, endOf(t, conn, r))
		})
	}
}

// awaitText reads until a text that contains part, and returns the last pong's payload.
func awaitText(t *testing.T, conn net.Conn, r *bufio.Reader, part string) (pong string) {
	t.Helper()
	for {
		op, payload, err := readPiece(conn, r)
		require.NoError(t, err)
		switch {
		case op == opPong:
			pong = payload
		case op == opClose:
			require.Fail(t, "the connection was closed", "%x", payload)
		case strings.Contains(payload, part):
			return pong
		}
	}
}

// endOf reads until the connection ends.
func endOf(t *testing.T, conn net.Conn, r *bufio.Reader) websocket.StatusCode {
	t.Helper()
	for {
		op, payload, err := readPiece(conn, r)
		switch {
		case err != nil:
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection stays open")
			return websocket.StatusAbnormalClosure
		case op == opClose && payload == "":
			return websocket.StatusNoStatusRcvd
		case op == opClose:
			return websocket.StatusCode(binary.BigEndian.Uint16([]byte(payload)))
		}
	}
}

func readPiece(conn net.Conn, r *bufio.Reader) (op byte, payload string, err error) {
	conn.SetReadDeadline(time.Now().Add(wait))
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", err
	}
	length := int(head[1])
	if length == 126 {
		var long [2]byte
		if _, err := io.ReadFull(r, long[:]); err != nil {
			return 0, "", err
		}
		length = int(binary.BigEndian.Uint16(long[:]))
	}
	b := make([]byte, length)
	_, err = io.ReadFull(r, b)
	return head[0] & 0x0f, string(b), err
}
