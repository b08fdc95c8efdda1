package proxy

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// strict is a connection that takes a bounded number of bytes under one deadline.
type strict struct {
	http.ResponseWriter
	got  []byte
	left int
}

func (s *strict) SetWriteDeadline(time.Time) error {
	s.left = 128 << 10
	return nil
}

func (s *strict) Write(p []byte) (int, error) {
	n := min(len(p), s.left)
	s.left -= n
	s.got = append(s.got, p[:n]...)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// chunks are a Content whose pieces are as long as the engine's chunks.
type chunks struct {
	*bytes.Reader
	asked int
}

func (c *chunks) Piece(max int64) ([]byte, error) {
	c.asked++
	p := make([]byte, min(max, 960<<10))
	n, err := c.Read(p)
	return p[:n], err
}

// TestDownloadDeadlineMovesWithEachPiece sends chunks to a connection that takes a
// piece at a time.
func TestDownloadDeadlineMovesWithEachPiece(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 200_001)
	for name, body := range map[string]io.Reader{
		"in chunks": &chunks{Reader: bytes.NewReader(content)},
		"copied":    struct{ io.Reader }{bytes.NewReader(content)},
	} {
		t.Run(name, func(t *testing.T) {
			conn, sent := &strict{}, atomic.Int64{}
			w := &deadlineWriter{ResponseWriter: conn, control: http.NewResponseController(conn), sent: &sent}
			n, err := io.CopyN(w, body, int64(len(content)))
			require.NoError(t, err)
			require.EqualValues(t, len(content), n)
			require.Equal(t, n, sent.Load())
			require.True(t, bytes.Equal(content, conn.got))
			if c, ok := body.(*chunks); ok {
				require.Equal(t, 4, c.asked, "no chunk is read for each of its pieces")
			}
		})
	}
}

// alone is a listener of one connection.
type alone chan net.Conn

func (a alone) Accept() (net.Conn, error) {
	if conn, ok := <-a; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (a alone) Addr() net.Addr { return &net.TCPAddr{} }
func (a alone) Close() error   { return nil }

// TestT19ReaderOfOneByteInTimeIsNotCut reads a piece, or a byte, just in a piece's time.
func TestT19ReaderOfOneByteInTimeIsNotCut(t *testing.T) {
	const within = time.Minute
	content := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	for name, c := range map[string]struct {
		piece int
		whole bool
	}{"slow": {pieceSize, true}, "a byte at a time": {1, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent atomic.Int64
				ended := make(chan error, 1)
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, err := io.Copy(&deadlineWriter{ResponseWriter: w, control: http.NewResponseController(w), within: within, sent: &sent}, bytes.NewReader(content))
					ended <- err
				})}
				reader, conn := net.Pipe()
				defer reader.Close()
				l := make(alone, 1)
				l <- conn
				go server.Serve(l)
				defer server.Close()
				defer close(l)
				io.WriteString(reader, "GET / HTTP/1.0\r\n\r\n")
				for got := 0; got < len(content); {
					n, err := io.ReadFull(reader, make([]byte, c.piece))
					got += n
					if err != nil {
						break
					}
					time.Sleep(within - time.Second)
				}
				if c.whole {
					require.NoError(t, <-ended)
					require.EqualValues(t, len(content), sent.Load())
					return
				}
				require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
			})
		})
	}
}
