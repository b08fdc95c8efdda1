package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"attache/bridge"
)

// line is a raw connection: no library checks the attacker's bytes.
type line struct {
	net.Conn
	in   *bufio.Reader
	sent func(int)
}

var errRefused = errors.New("refused")

func (a *attacker) dial(ctx context.Context) (*line, error) {
	conn, err := dialer(a.from()).DialContext(ctx, "tcp", a.Target)
	if err != nil {
		return nil, err
	}
	return &line{Conn: conn, in: bufio.NewReaderSize(conn, 512), sent: func(n int) { a.sent.Add(int64(n)) }}, nil
}

func (l *line) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	l.sent(n)
	return n, err
}

// upgrade does the WebSocket handshake.
func (l *line) upgrade(path string) error {
	_, err := io.WriteString(l, "GET "+path+" HTTP/1.1\r\nHost: x\r\nOrigin: "+origin+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: "+bridge.Subprotocol+"\r\n\r\n")
	if err != nil {
		return err
	}
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		return errRefused
	}
	return nil
}

// enter sends the token and reads the answer.
func (l *line) enter(path, token string, position int64) error {
	if err := l.upgrade(path); err != nil {
		return err
	}
	if err := l.say(&bridge.Hello{Token: token, Position: position}); err != nil {
		return err
	}
	m, err := l.hear()
	if err != nil {
		return err
	}
	if _, fail := m.(*bridge.Fail); fail {
		return errRefused
	}
	return nil
}

func (l *line) say(m bridge.Wire) error {
	_, err := l.Write(masked(0x81, bridge.AppendMessage(nil, m)))
	return err
}

// hear reads the next message.
func (l *line) hear() (bridge.Wire, error) {
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(l.in, head); err != nil {
			return nil, err
		}
		length := int(head[1])
		if length == 126 {
			var long [2]byte
			if _, err := io.ReadFull(l.in, long[:]); err != nil {
				return nil, err
			}
			length = int(binary.BigEndian.Uint16(long[:]))
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(l.in, text); err != nil {
			return nil, err
		}
		if head[0] == 0x88 {
			return nil, io.EOF
		}
		if head[0] == 0x81 {
			return bridge.FromProxy(text)
		}
	}
}

// answer reads until an offer is accepted, or until a refusal, which it returns.
func (l *line) answer() (*bridge.Fail, error) {
	for {
		m, err := l.hear()
		if err != nil {
			return nil, err
		}
		switch m := m.(type) {
		case *bridge.Accept:
			return nil, nil
		case *bridge.Fail:
			return m, nil
		}
	}
}

// hold reads until the connection ends.
func (l *line) hold() error {
	_, err := io.Copy(io.Discard, l.in)
	return err
}

// masked is a client's WebSocket frame under a mask of zeros.
func masked(first byte, p []byte) []byte { return append(maskedHead(first, len(p)), p...) }

func maskedHead(first byte, n int) []byte {
	switch {
	case n < 126:
		return []byte{first, 0x80 | byte(n), 0, 0, 0, 0}
	case n < 1<<16:
		return append(binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, uint16(n)), 0, 0, 0, 0)
	}
	return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, uint64(n)), 0, 0, 0, 0)
}

// fetch gets a path and reads the answer.
func (l *line) fetch(path, header string) (int, []byte, error) {
	if _, err := fmt.Fprintf(l, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, header); err != nil {
		return 0, nil, err
	}
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}
