package gms

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
)

// Bounds of a request without its files. Chat Server takes packets of 32 KiB, and the text of a
// form may be three times as long as what it means.
const (
	maxBody  = 128 << 10 // bytes, with all header lines of all parts
	maxParts = 1000      // parameters
)

// part is a parameter of a request, or a file.
type part struct {
	name, value string

	file        io.Reader // nil: a parameter. It is read before the next part
	fileName    string
	contentType string
}

// parts are the parts of a body, in order, whatever form it has. next returns io.EOF after the
// last one.
type parts interface {
	next() (*part, error)
}

// openBody finds out which form a body has: URL-encoded, multipart or JSON. What the first bytes
// say counts more than the Content-Type, which some clients set wrongly: a form's type on a
// multipart body, or a multipart type without the boundary. within bounds the time that the body
// takes without its files.
func openBody(r *http.Request, within time.Duration) (parts, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "the body has a Content-Encoding", "send it as it is")
	}
	limited := &budget{Reader: r.Body, left: maxBody + 1, within: within, deadline: time.Now().Add(within)}
	body := bufio.NewReader(limited)
	if bom, _ := body.Peek(3); string(bom) == "\xef\xbb\xbf" {
		body.Discard(3)
	}
	first, err := body.Peek(sniff)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, unreadable(err)
	}
	kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	multi := strings.HasPrefix(kind, "multipart/")
	boundary := boundaryOf(first)
	if declared := parameters["boundary"]; multi && declared != "" && (boundary == "" || bytes.Contains(first, []byte("--"+declared))) {
		boundary = declared
	}
	text := bytes.TrimLeft(first, " \t\r\n")
	switch {
	case boundary != "":
		return newMultipart(body, boundary, limited), nil
	case multi && len(first) > 0:
		return nil, badRequest("the body is not multipart: it has no boundary")
	case bytes.HasPrefix(text, []byte("{")):
		return newJSON(body)
	case kind == "application/json" && len(text) > 0:
		return nil, badRequest("the body is not a JSON object")
	}
	return newForm(body)
}

// sniff is how many bytes say which form a body has: more than the longest boundary.
const sniff = 128

// boundaryOf returns the boundary of a body whose first line is one; "" if it is not.
func boundaryOf(first []byte) string {
	line, _, ok := bytes.Cut(bytes.TrimLeft(first, "\r\n"), []byte("\n"))
	line = bytes.TrimRight(line, " \t\r")
	boundary, dashes := strings.CutPrefix(string(line), "--")
	if !ok || !dashes || boundary == "" || len(boundary) > 70 || strings.ContainsFunc(boundary, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return boundary
}

// budget bounds the bytes of a body outside of its files, and the time that they take.
type budget struct {
	io.Reader
	left     int64
	free     bool // a file is read, whose bounds are others'
	within   time.Duration
	deadline time.Time
}

// hold ends a file, whose time does not count.
func (b *budget) hold() {
	if b.free {
		b.free, b.deadline = false, time.Now().Add(b.within)
	}
}

func (b *budget) Read(p []byte) (int, error) {
	if b.free {
		return b.Reader.Read(p)
	}
	if b.left <= 0 {
		return 0, refuse(http.StatusRequestEntityTooLarge, "the request has more than 128 KiB without its file", "send shorter texts")
	}
	if time.Now().After(b.deadline) {
		return 0, tooSlow()
	}
	n, err := b.Reader.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// unreadable is the refusal of a body that could not be read.
func unreadable(err error) error {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return tooSlow()
	}
	return badRequest("the body did not arrive completely, or is malformed")
}

func badRequest(message string) error {
	return refuse(http.StatusBadRequest, message, "send a form, multipart/form-data or JSON")
}

func tooSlow() error {
	return refuse(http.StatusRequestTimeout, "the request took too long to arrive", "try again")
}

func tooMany() error {
	return refuse(http.StatusRequestEntityTooLarge, "the request has more than 1000 parameters", "send fewer")
}

// list is the parts of a body that was read at once.
type list []part

func (l *list) next() (*part, error) {
	if len(*l) == 0 {
		return nil, io.EOF
	}
	p := (*l)[0]
	*l = (*l)[1:]
	return &p, nil
}

// read sets the call's parameters up to the next file, which it returns; nil at the end.
func (c *Call) read(body parts) (*part, error) {
	for {
		p, err := body.next()
		switch {
		case err == io.EOF:
			return nil, nil
		case err != nil:
			return nil, err
		case p.file != nil:
			return p, nil
		}
		c.set(p.name, p.value)
	}
}
