package proxy

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// strict is a connection that takes so much under one deadline and no more.
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

// TestSlowReadersHaveTimeForEachPiece sends chunks to a connection that takes a
// piece at a time.
func TestSlowReadersHaveTimeForEachPiece(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 200_001)
	for name, body := range map[string]io.Reader{
		"in chunks": &chunks{Reader: bytes.NewReader(content)},
		"copied":    struct{ io.Reader }{bytes.NewReader(content)},
	} {
		t.Run(name, func(t *testing.T) {
			conn, sent := &strict{}, atomic.Int64{}
			w := &patient{ResponseWriter: conn, control: http.NewResponseController(conn), sent: &sent}
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
