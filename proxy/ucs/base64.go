package ucs

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// Base64 is how a document's content is written into JSON. That it is base64 is inferred; the
// variant is unknown, so every one is read, also with line breaks, and one is written.
type Base64 string

const (
	Base64Std    Base64 = "std"     // the usual alphabet, padded; the default
	Base64URL    Base64 = "url"     // the alphabet for URLs, padded
	Base64Raw    Base64 = "raw"     // the usual alphabet, not padded
	Base64RawURL Base64 = "raw-url" // the alphabet for URLs, not padded
	Base64Lines  Base64 = "lines"   // as MIME: lines of 76 characters
)

func (b Base64) encoding() *base64.Encoding {
	switch b {
	case Base64URL:
		return base64.URLEncoding
	case Base64Raw:
		return base64.RawStdEncoding
	case Base64RawURL:
		return base64.RawURLEncoding
	}
	return base64.StdEncoding
}

var errBase64 = errors.New("the content is not base64")

// base64Reader decodes any variant, also one with line breaks.
type base64Reader struct {
	in     io.Reader
	text   []byte // that is not decoded yet: fewer than four characters after a fill
	padded int
	out    []byte // that is not read yet
	buf    []byte
	err    error
}

const base64Piece = 32 << 10

func newBase64Reader(in io.Reader) *base64Reader {
	return &base64Reader{in: in, text: make([]byte, 0, base64Piece+4), buf: make([]byte, base64Piece)}
}

func (r *base64Reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// fill decodes the next piece.
func (r *base64Reader) fill() {
	begin := len(r.text)
	n, err := r.in.Read(r.text[begin : begin+base64Piece])
	text, failed := r.clean(r.text[:begin+n], begin)
	whole := len(text) - len(text)%4
	if err == io.EOF {
		whole = len(text)
		if r.padded > 0 && (r.padded > 2 || (whole+r.padded)%4 != 0) {
			failed = fmt.Errorf("%w: its padding is not right", errBase64)
		}
	} else if err != nil {
		failed = err
	}
	if failed != nil {
		r.err = failed
		return
	}
	decoded, wrong := base64.RawStdEncoding.Decode(r.buf, text[:whole])
	if wrong != nil {
		r.err = fmt.Errorf("%w: %w", errBase64, wrong)
		return
	}
	r.out = r.buf[:decoded]
	r.text = r.text[:copy(r.text[:4], text[whole:])]
	if err == io.EOF {
		r.err = io.EOF
	}
}

// clean drops line breaks and padding from text, and makes its alphabet the usual one. What is
// before from was cleaned already.
func (r *base64Reader) clean(text []byte, from int) ([]byte, error) {
	out := text[:from]
	for _, c := range text[from:] {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '=':
			r.padded++
			continue
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		if r.padded > 0 {
			return nil, fmt.Errorf("%w: it continues after its padding", errBase64)
		}
		out = append(out, c)
	}
	return out, nil
}
