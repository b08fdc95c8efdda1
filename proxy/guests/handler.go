package guests

import (
	"io"
	"net/http"
	"time"
)

// Bodies says what happens to requests with a body.
type Bodies int

const (
	// NoBodies refuses them, unread: no handler has a use for one.
	NoBodies Bodies = iota
	// TimedBodies lets handlers read them, each piece within its time.
	TimedBodies
)

// Deadlines of what a peer has not yet said or taken. A handler that sets others by
// [http.ResponseController] has its own.
const (
	firstTime = 5 * time.Second  // for a body that nobody has asked for yet
	readTime  = 20 * time.Second // for a piece of one that somebody reads
	writeTime = 30 * time.Second // for a piece of an answer, as long as a download may take for one
	pieceSize = 128 << 10
)

// Handler puts deadlines around h, for each request and each stream of HTTP/2 by
// itself. A connection that h takes over by Hijack has none.
func Handler(h http.Handler, bodies Bodies) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.SetWriteDeadline(time.Now().Add(writeTime))
		out := &answer{ResponseWriter: w, control: control}
		// What is left of the answer, maybe all of it, goes out when h has returned,
		// which may have taken its time.
		defer func() { control.SetWriteDeadline(time.Now().Add(writeTime)) }()
		if r.ContentLength == 0 {
			h.ServeHTTP(out, r)
			return
		}
		// The server reads what is left of a body after the handler, so the deadline
		// is there even where nobody reads.
		control.SetReadDeadline(time.Now().Add(firstTime))
		if bodies == NoBodies {
			w.Header().Set("Connection", "close")
			http.Error(w, "this address takes no request with a body", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = &body{ReadCloser: r.Body, control: control}
		h.ServeHTTP(out, r)
	})
}

// body gives its sender time for each piece. Once it is whole there is no deadline:
// the server waits on the connection for the peer's going away.
type body struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *body) Read(p []byte) (int, error) {
	b.control.SetReadDeadline(time.Now().Add(readTime))
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// answer gives its reader time for each piece.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	own     bool // the handler sets deadlines itself
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// SetWriteDeadline is what a handler with deadlines of its own asks for.
func (a *answer) SetWriteDeadline(t time.Time) error {
	a.own = true
	return a.control.SetWriteDeadline(t)
}

// Write sends p in pieces, each within its time.
func (a *answer) Write(p []byte) (n int, err error) {
	if a.own {
		return a.ResponseWriter.Write(p)
	}
	for first := true; first || len(p) > 0 && err == nil; first = false {
		var sent int
		a.control.SetWriteDeadline(time.Now().Add(writeTime))
		sent, err = a.ResponseWriter.Write(p[:min(len(p), pieceSize)])
		n, p = n+sent, p[sent:]
	}
	return n, err
}

// FlushError gives what is flushed its time too.
func (a *answer) FlushError() error {
	if !a.own {
		a.control.SetWriteDeadline(time.Now().Add(writeTime))
	}
	return a.control.Flush()
}

// Flush is FlushError for who asks by [http.Flusher].
func (a *answer) Flush() { a.FlushError() }
