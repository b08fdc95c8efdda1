package gms

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"attache/bridge"
)

// fileBody is the body of an upload. It bounds the time that a slow client may take, piece by
// piece.
type fileBody struct {
	io.Closer
	body    io.Reader
	length  int64 // of the body; -1: unknown
	control *http.ResponseController
	pause   time.Duration

	read   int64         // bytes
	waited time.Duration // for bytes
	end    error
	late   bool // the client was too slow
	cut    atomic.Bool
}

func newFileBody(w http.ResponseWriter, r *http.Request, pause time.Duration) *fileBody {
	return &fileBody{Closer: r.Body, body: r.Body, length: r.ContentLength, control: http.NewResponseController(w), pause: pause}
}

// Read waits no longer than a pause may be, nor than a client on the slowest line needs for what
// came so far. A body that has failed keeps its deadline, because the server itself reads what is
// left before it closes the connection.
func (b *fileBody) Read(p []byte) (int, error) {
	if b.end != nil {
		return 0, b.end
	}
	began := time.Now()
	slowest := b.pause + time.Duration(b.read)*(time.Second/bridge.SlowestRate)
	until := began.Add(min(b.pause, slowest-b.waited))
	b.control.SetReadDeadline(until)
	if b.cut.Load() {
		b.control.SetReadDeadline(began)
	}
	n, err := b.body.Read(p)
	b.waited += time.Since(began)
	b.read += int64(n)
	b.late = errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(until)
	if b.end = err; err == io.EOF {
		b.control.SetReadDeadline(time.Time{}) // or the connection fails while the answer is awaited
	}
	return n, err
}

// stop makes a Read that waits return.
func (b *fileBody) stop() {
	b.cut.Store(true)
	b.control.SetReadDeadline(time.Now())
}

// fileSize is the most that a file can have that begins now, and the least if nothing but
// parameters follow; -1 and 0 if the request does not say. Some of it may have been read ahead.
func (b *fileBody) fileSize() (most, least int64) {
	if b.length < 0 {
		return -1, 0
	}
	left := b.length - b.read
	return left + readAhead, max(left-maxBody, 0)
}

// bodyBuffer is how much of a body is read at once: the readers above it ask for pieces of 4 KiB,
// and each would be a call of the kernel and a new deadline.
const bodyBuffer = 64 << 10

// readAhead is how many bytes the readers of a body may have read before they are asked for.
const readAhead = bodyBuffer + 16<<10

type bufferedBody struct {
	*bufio.Reader
	io.Closer
}

// drain reads and drops the rest of a refused body: a browser shows no answer as long as it has
// to send. It reports whether the client has sent everything.
func (b *fileBody) drain(most int64, within time.Duration) (whole bool) {
	if b.end != nil {
		return b.end == io.EOF
	}
	b.control.SetReadDeadline(time.Now().Add(within))
	if _, err := io.CopyN(io.Discard, b.body, most); err != io.EOF {
		b.control.SetReadDeadline(time.Now()) // or the server waits for the rest itself
		return false
	}
	b.control.SetReadDeadline(time.Time{})
	return true
}
