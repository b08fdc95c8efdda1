package proxy

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// deadlineWriter is a response writer with a deadline for each piece, not for the
// whole response, so that a slow reader has as long as it needs. It copies in pieces
// that suit the engine.
type deadlineWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	within  time.Duration // for a piece: a slower reader is cut off
	sent    *atomic.Int64 // bytes, of all downloads
}

// pieceSize is the size, in bytes, of a piece: the standard writer cannot continue
// after one has passed. The shorter a piece, the sooner a reader that takes nothing is cut
// off.
const pieceSize = 32 << 10

// Write sends p in pieces, each within its time.
func (w *deadlineWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var sent int
		w.control.SetWriteDeadline(time.Now().Add(w.within))
		sent, err = w.ResponseWriter.Write(p[:min(len(p), pieceSize)])
		w.sent.Add(int64(sent))
		n += sent
		p = p[sent:]
	}
	return n, err
}

// ReadFrom is what io.CopyN calls; the standard writer would take 32 KiB at a time.
func (w *deadlineWriter) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return copyContent(onlyWriter{w}, r)
	}
	content, ok := limited.R.(Pieces)
	if !ok {
		return copyContent(onlyWriter{w}, r)
	}
	n, err := copyPieces(w, content, limited.N)
	limited.N -= n
	return n, err
}

// onlyWriter hides ReadFrom, which would call itself.
type onlyWriter struct{ io.Writer }
