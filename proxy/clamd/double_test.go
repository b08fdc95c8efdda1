package clamd_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// double is a test double of clamd. It assumes, from clamd(8):
//
//  1. a command is "z", its name and a NUL;
//  2. INSTREAM is followed by chunks, each after its length in four bytes, big
//     endian, and an empty one ends them;
//  3. after the answer, one text and a NUL, it closes the connection;
//  4. after StreamMaxLength bytes it answers at once and reads no further;
//  5. it answers VERSION likewise.
type double struct {
	address string
	listen  net.Listener
	done    sync.WaitGroup
}

// act plays clamd on one connection whose command has been read.
type act func(c net.Conn)

func startDouble(t *testing.T, play act) *double {
	t.Helper()
	return startDated(t, func(net.Conn) {}, play)
}

// startDated plays VERSION, too.
func startDated(t *testing.T, version, stream act) *double {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := &double{address: l.Addr().String(), listen: l}
	d.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.done.Go(func() {
				defer conn.Close()
				switch command(conn) {
				case "zINSTREAM":
					stream(conn)
				case "zVERSION":
					version(conn)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); d.done.Wait() })
	return d
}

// command reads a command and its NUL, and nothing after it.
func command(c net.Conn) (name string) {
	for b := make([]byte, 1); len(name) < len("zINSTREAM"); name += string(b) {
		if _, err := io.ReadFull(c, b); err != nil || b[0] == 0 {
			return name
		}
	}
	io.ReadFull(c, make([]byte, 1))
	return name
}

// whole reads a stream up to its empty chunk.
func whole(c net.Conn) []byte {
	var content []byte
	for {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return content
		}
		n := binary.BigEndian.Uint32(size[:])
		if n == 0 {
			return content
		}
		chunk := make([]byte, n)
		if _, err := io.ReadFull(c, chunk); err != nil {
			return content
		}
		content = append(content, chunk...)
	}
}

// says answers after the whole content.
func says(reply string) act {
	return func(c net.Conn) {
		whole(c)
		io.WriteString(c, reply)
	}
}

// saysEarly answers before the content, which it then reads or not.
func saysEarly(reply string, read bool) act {
	return func(c net.Conn) {
		io.WriteString(c, reply)
		if read {
			whole(c)
		}
	}
}
