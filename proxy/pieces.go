package proxy

import (
	"io"
	"math"
	"sync"
	"sync/atomic"
)

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// copyContent copies the rest of a content: without a buffer where it has [Pieces].
func copyContent(w io.Writer, content io.Reader) (int64, error) {
	if pieces, ok := content.(Pieces); ok {
		return copyPieces(w, pieces, math.MaxInt64)
	}
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(w, content, *buf)
}

// copyPieces copies at most size bytes.
func copyPieces(w io.Writer, content Pieces, size int64) (n int64, err error) {
	for n < size {
		piece, err := content.Piece(size - n)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		written, err := w.Write(piece)
		n += int64(written)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// countingWriter adds what it writes to sent.
type countingWriter struct {
	io.Writer
	sent *atomic.Int64
}

func (w countingWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.sent.Add(int64(n))
	return n, err
}
