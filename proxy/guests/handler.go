package guests

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Bodies is how requests with a body are handled.
type Bodies int

const (
	// NoBodies refuses them unread, because no handler needs one.
	NoBodies Bodies = iota
	// TimedBodies lets handlers read them, with a deadline for each piece.
	TimedBodies
)

// Deadlines for a peer. A handler can replace them with its own by [http.ResponseController].
const (
	bodyTimeout  = 5 * time.Second  // for a body that no handler reads
	readTimeout  = 20 * time.Second // for a piece of a body
	writeTimeout = 30 * time.Second // for a piece of a response, the same as for one of a download
	pieceSize    = 128 << 10
)

// Handler adds deadlines to h, for each request and each stream of HTTP/2 by itself. A connection
// that h takes over by Hijack has none.
func Handler(h http.Handler, bodies Bodies) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.SetWriteDeadline(time.Now().Add(writeTimeout))
		out := &response{ResponseWriter: w, control: control}
		// The rest of the response, maybe all of it, is sent after h has returned, which may
		// have taken long.
		defer func() { control.SetWriteDeadline(time.Now().Add(writeTimeout)) }()
		if r.ContentLength == 0 {
			h.ServeHTTP(out, r)
			return
		}
		// The server reads the rest of a body after the handler has returned, so there must be a
		// deadline even if the handler does not read.
		control.SetReadDeadline(time.Now().Add(bodyTimeout))
		if bodies == NoBodies {
			w.Header().Set("Connection", "close")
			http.Error(w, "this path accepts no request body", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = &body{ReadCloser: r.Body, control: control, own: &out.ownRead}
		h.ServeHTTP(out, r)
	})
}

// body has a deadline for each piece. After its end there is none, because the server waits on the
// connection for the peer to disconnect.
type body struct {
	io.ReadCloser
	control *http.ResponseController
	own     *atomic.Bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.own.Load() {
		return b.ReadCloser.Read(p)
	}
	b.control.SetReadDeadline(time.Now().Add(readTimeout))
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// response has a deadline for each piece.
type response struct {
	http.ResponseWriter
	control *http.ResponseController
	own     bool // the handler sets its own deadlines
	ownRead atomic.Bool
}

// Unwrap is for [http.ResponseController].
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// SetWriteDeadline is called by a handler with its own deadlines.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.own = true
	return w.control.SetWriteDeadline(t)
}

// SetReadDeadline is called by a handler with its own deadlines.
func (w *response) SetReadDeadline(t time.Time) error {
	w.ownRead.Store(true)
	return w.control.SetReadDeadline(t)
}

// Write sends p in pieces, each with its own deadline.
func (w *response) Write(p []byte) (n int, err error) {
	if w.own {
		return w.ResponseWriter.Write(p)
	}
	for first := true; first || len(p) > 0 && err == nil; first = false {
		var sent int
		w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
		sent, err = w.ResponseWriter.Write(p[:min(len(p), pieceSize)])
		n, p = n+sent, p[sent:]
	}
	return n, err
}

// FlushError sets a deadline for the flush, too.
func (w *response) FlushError() error {
	if !w.own {
		w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	return w.control.Flush()
}

// Flush is FlushError for callers of [http.Flusher].
func (w *response) Flush() { w.FlushError() }
