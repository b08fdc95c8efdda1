package ucs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The bounds of what a message may have beside its content.
const (
	maxMessage = 1 << 20   // bytes of everything that is not content
	maxText    = 256 << 10 // bytes of one name or string
	maxDepth   = 16
)

var (
	errSyntax   = errors.New("the message is not JSON")
	errTooLarge = errors.New("the message is too large beside its content")
)

// jsonStream reads one JSON text in one pass. encoding/json would hold a whole string in memory,
// and a document's content is one.
type jsonStream struct {
	in   *bufio.Reader
	left int // bytes that may still come beside the content
}

func newJSONStream(r io.Reader) *jsonStream {
	return &jsonStream{in: bufio.NewReaderSize(r, 64<<10), left: maxMessage}
}

// next returns the next byte that is not white space, unread.
func (s *jsonStream) next() (byte, error) {
	for {
		c, err := s.read()
		switch {
		case err != nil:
			return 0, err
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			s.left++
			return c, s.in.UnreadByte()
		}
	}
}

func (s *jsonStream) read() (byte, error) {
	c, err := s.in.ReadByte()
	if err != nil {
		return 0, cut(err)
	}
	if s.left--; s.left < 0 {
		return 0, errTooLarge
	}
	return c, nil
}

// cut is the error of a message that ends too early.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *jsonStream) expect(want byte) error {
	c, err := s.next()
	if err != nil {
		return err
	}
	if c != want {
		return fmt.Errorf("%w: %q instead of %q", errSyntax, c, want)
	}
	_, err = s.read()
	return err
}

// object calls member for each member of an object, which must read its value.
func (s *jsonStream) object(member func(name string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for first := true; ; first = false {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c == '}' && first {
			return s.expect('}')
		}
		name, err := s.text()
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("%w: it has the member %q twice", errSyntax, name)
		}
		seen[name] = true
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if more, err := s.more('}'); !more || err != nil {
			return err
		}
	}
}

// more reads a comma, or the end of an object or array.
func (s *jsonStream) more(end byte) (bool, error) {
	c, err := s.next()
	switch {
	case err != nil:
		return false, err
	case c == ',':
		return true, s.expect(',')
	}
	return false, s.expect(end)
}

// end fails if anything but white space follows.
func (s *jsonStream) end() error {
	switch c, err := s.next(); {
	case err == io.ErrUnexpectedEOF:
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%w: %q after its end", errSyntax, c)
	}
}

// kind is that of a value.
type kind int

const (
	absent kind = iota // a missing member, or null
	text
	number
	logical
	other // an object or an array, whose content does not count
)

// value is a value that is not a document's content.
type value struct {
	kind kind
	text string // of a number as it is written
}

// value reads any value.
func (s *jsonStream) value(depth int) (value, error) {
	c, err := s.next()
	if err != nil {
		return value{}, err
	}
	if depth > maxDepth {
		return value{}, fmt.Errorf("%w: it is nested too deeply", errSyntax)
	}
	switch c {
	case '"':
		t, err := s.text()
		return value{text, t}, err
	case '{':
		return value{kind: other}, s.object(func(string) error { _, err := s.value(depth + 1); return err })
	case '[':
		return value{kind: other}, s.array(depth)
	}
	return s.literal()
}

func (s *jsonStream) array(depth int) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if c, err := s.next(); err != nil || c == ']' {
		return errors.Join(err, s.expect(']'))
	}
	for {
		if _, err := s.value(depth + 1); err != nil {
			return err
		}
		if more, err := s.more(']'); !more || err != nil {
			return err
		}
	}
}

// literal reads a number, true, false or null.
func (s *jsonStream) literal() (value, error) {
	var b strings.Builder
	for {
		c, err := s.read()
		if err == io.ErrUnexpectedEOF && b.Len() > 0 {
			break
		}
		if err != nil {
			return value{}, err
		}
		if !strings.ContainsRune("+-.0123456789abcdefghijklmnopqrstuvwxyzE", rune(c)) || b.Len() > 64 {
			s.left++
			if err := s.in.UnreadByte(); err != nil {
				return value{}, err
			}
			break
		}
		b.WriteByte(c)
	}
	switch t := b.String(); {
	case t == "null":
		return value{}, nil
	case t == "true", t == "false":
		return value{logical, t}, nil
	case validNumber(t):
		return value{number, t}, nil
	default:
		return value{}, fmt.Errorf("%w: %q is not a value", errSyntax, t)
	}
}

// validNumber reports whether t is a number of JSON: strconv takes more than that.
func validNumber(t string) bool {
	digits := strings.TrimPrefix(t, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return false
	}
	if dot := strings.IndexByte(t, '.'); dot >= 0 && (dot+1 == len(t) || t[dot+1] < '0' || t[dot+1] > '9') {
		return false
	}
	if strings.Trim(t, "+-.0123456789eE") != "" {
		return false
	}
	_, err := strconv.ParseFloat(t, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// text reads a string whole.
func (s *jsonStream) text() (string, error) {
	in, err := s.string()
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(in, maxText+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > maxText:
		return "", errTooLarge
	}
	if s.left -= len(b); s.left < 0 {
		return "", errTooLarge
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("%w: a string is not UTF-8", errSyntax)
	}
	return string(b), nil
}

// string opens a string, which must be read up to its end before anything else.
func (s *jsonStream) string() (*jsonString, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	return &jsonString{in: s.in}, nil
}

// jsonString reads the text of a string without its escapes.
type jsonString struct {
	in    *bufio.Reader
	ended bool
	rest  []byte // of an escaped character
	buf   [utf8.UTFMax]byte
}

func (s *jsonString) Read(p []byte) (n int, err error) {
	for n == 0 && len(p) > 0 {
		if len(s.rest) > 0 {
			n = copy(p, s.rest)
			s.rest = s.rest[n:]
			break
		}
		if s.ended {
			return 0, io.EOF
		}
		if n, err = s.plain(p); err != nil {
			return n, err
		}
		if n == 0 {
			if err := s.special(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// plain copies characters up to the next one that means something else.
func (s *jsonString) plain(p []byte) (int, error) {
	if s.in.Buffered() == 0 {
		if _, err := s.in.Peek(1); err != nil {
			return 0, cut(err)
		}
	}
	ready, _ := s.in.Peek(min(s.in.Buffered(), len(p)))
	n := 0
	for _, c := range ready {
		if c < ' ' || c == '"' || c == '\\' {
			break
		}
		n++
	}
	copy(p, ready[:n])
	_, err := s.in.Discard(n)
	return n, err
}

// special reads the end of the string, or an escaped character into rest.
func (s *jsonString) special() error {
	c, err := s.in.ReadByte()
	if err != nil {
		return cut(err)
	}
	switch {
	case c == '"':
		s.ended = true
		return nil
	case c != '\\':
		return fmt.Errorf("%w: a control character in a string", errSyntax)
	}
	if c, err = s.in.ReadByte(); err != nil {
		return cut(err)
	}
	if c == 'u' {
		r, err := s.unicode()
		s.rest = s.buf[:utf8.EncodeRune(s.buf[:], r)]
		return err
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return fmt.Errorf("%w: the escape \\%c", errSyntax, c)
	}
	s.buf[0] = "\"\\/\b\f\n\r\t"[i]
	s.rest = s.buf[:1]
	return nil
}

func (s *jsonString) unicode() (rune, error) {
	r, err := s.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	for _, want := range []byte(`\u`) {
		if c, err := s.in.ReadByte(); err != nil || c != want {
			return 0, fmt.Errorf("%w: half of a surrogate pair", errSyntax)
		}
	}
	second, err := s.hex()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
		return 0, fmt.Errorf("%w: half of a surrogate pair", errSyntax)
	}
	return r, nil
}

func (s *jsonString) hex() (rune, error) {
	var digits [4]byte
	if _, err := io.ReadFull(s.in, digits[:]); err != nil {
		return 0, cut(err)
	}
	n, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		return 0, fmt.Errorf("%w: the escape \\u%q", errSyntax, digits)
	}
	return rune(n), nil
}
