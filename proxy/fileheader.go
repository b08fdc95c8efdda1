package proxy

import (
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// fileHeaders makes sure that a browser saves the file and never shows or runs
// it: whatever it is, it was sent by a stranger.
func fileHeaders(h http.Header, name string, d Document) {
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", disposition(name))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // the page is elsewhere; CORS decides who reads
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-store, no-transform")
	h.Set("ETag", tag(d))
}

// tag is the document's entity tag: its digest.
func tag(d Document) string { return `"` + hex.EncodeToString(d.SHA256[:]) + `"` }

// disposition writes the name twice: in ASCII for old clients, and in UTF-8
// (RFC 8187). Neither can end the header or begin another.
func disposition(name string) string {
	var plain, exact strings.Builder
	for _, r := range name {
		if r < 0x20 || r > 0x7E || strings.ContainsRune(`"\%;`, r) {
			plain.WriteByte('_')
			continue
		}
		plain.WriteRune(r)
	}
	const hexDigits = "0123456789ABCDEF"
	for i := 0; i < len(name); i++ {
		if c := name[i]; attrChar(c) {
			exact.WriteByte(c)
		} else {
			exact.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return `attachment; filename="` + plain.String() + `"; filename*=UTF-8''` + exact.String()
}

// attrChar reports RFC 8187's attr-char.
func attrChar(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return true
	}
	return strings.IndexByte("!#$&+-.^_`|~", c) >= 0
}

// patient is a response writer that gives a slow reader time for every piece,
// but not for ever, and copies in pieces that suit the engine.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	within  time.Duration // for a piece: whoever takes less is cut off
	sent    *atomic.Int64 // bytes, of all downloads
}

// The standard writer cannot go on after a deadline, so each piece has one of its
// own; the shorter it is, the sooner who takes nothing is cut off.
const pieceSize = 32 << 10

var pieces = sync.Pool{New: func() any { b := make([]byte, 8*pieceSize); return &b }}

// Write sends p in pieces, each within its time.
func (w *patient) Write(p []byte) (n int, err error) {
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

// ReadFrom is what io.CopyN calls; the standard writer would take 32 KiB pieces.
func (w *patient) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if content, ok := limited.R.(Pieces); ok {
			return w.readPieces(content, limited)
		}
	}
	buf := pieces.Get().(*[]byte)
	defer pieces.Put(buf)
	return io.CopyBuffer(onlyWriter{w}, r, *buf)
}

func (w *patient) readPieces(content Pieces, limited *io.LimitedReader) (n int64, err error) {
	for limited.N > 0 {
		piece, err := content.Piece(limited.N)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		written, err := w.Write(piece)
		n += int64(written)
		limited.N -= int64(written)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// onlyWriter hides ReadFrom, which would call itself.
type onlyWriter struct{ io.Writer }
