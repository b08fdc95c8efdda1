package bridge

import (
	"strconv"
	"unicode/utf8"
)

// The strict JSON of the wire. encoding/json would accept unknown, duplicate
// and differently cased keys, replace invalid UTF-8, and add 115 kB to the
// module; this codec refuses whatever the protocol does not allow. It is fuzzed
// against encoding/json, which accepts all that it accepts, with the same meaning.

// MaxDepth is how deep objects and arrays may nest in a message: a message, its event,
// and in that the lists of a collection, the innermost of which may hold bytes.
const MaxDepth = 2 + MaxDataDepth + 1

// node is one parsed JSON value. Numbers are integers without a sign: the
// protocol has no others.
type node struct {
	kind    byte // '{' '[' '"' '0' 't' 'f' 'n'
	str     string
	num     int64
	members []member // of an object, in order
	items   []node   // of an array
}

type member struct {
	key   string
	value node
	taken bool // by a reader
}

type parser struct {
	in  []byte
	pos int
}

// parse reads exactly one JSON value.
func parse(in []byte) (node, error) {
	if !utf8.Valid(in) {
		return node{}, invalid("the message is not valid UTF-8")
	}
	p := parser{in: in}
	n, err := p.value(0)
	if err != nil {
		return node{}, err
	}
	p.space()
	if p.pos != len(in) {
		return node{}, p.unexpected()
	}
	return n, nil
}

func invalid(message string) error { return NewError(CodeMessage, message) }

func (p *parser) unexpected() error {
	if p.pos >= len(p.in) {
		return invalid("the message ends too early")
	}
	return invalid("unexpected character at byte " + strconv.Itoa(p.pos) + " of the message")
}

func (p *parser) space() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next skips white space and consumes c.
func (p *parser) next(c byte) bool {
	p.space()
	if p.pos < len(p.in) && p.in[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// value reads one value, nested in depth objects and arrays.
func (p *parser) value(depth int) (node, error) {
	p.space()
	if p.pos >= len(p.in) {
		return node{}, p.unexpected()
	}
	switch c := p.in[p.pos]; {
	case (c == '{' || c == '[') && depth == MaxDepth:
		return node{}, invalid("the message nests deeper than " + strconv.Itoa(MaxDepth))
	case c == '{':
		p.pos++
		return p.object(depth)
	case c == '[':
		p.pos++
		return p.array(depth)
	case c == '"':
		p.pos++
		s, err := p.text()
		return node{kind: '"', str: s}, err
	case c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return node{kind: 't'}, p.literal("true")
	case c == 'f':
		return node{kind: 'f'}, p.literal("false")
	case c == 'n':
		return node{kind: 'n'}, p.literal("null")
	case c == '-':
		return node{}, invalid("a number has a sign")
	}
	return node{}, p.unexpected()
}

func (p *parser) literal(w string) error {
	if len(p.in)-p.pos < len(w) || string(p.in[p.pos:p.pos+len(w)]) != w {
		return p.unexpected()
	}
	p.pos += len(w)
	return nil
}

func (p *parser) object(depth int) (node, error) {
	n := node{kind: '{'}
	if p.next('}') {
		return n, nil
	}
	for {
		if !p.next('"') {
			return node{}, p.unexpected()
		}
		key, err := p.text()
		if err != nil {
			return node{}, err
		}
		for _, m := range n.members {
			if m.key == key {
				return node{}, invalid("duplicate key " + strconv.Quote(key))
			}
		}
		if !p.next(':') {
			return node{}, p.unexpected()
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, member{key: key, value: v})
		if len(n.members) > maxMembers {
			return node{}, invalid("an object has more than " + strconv.Itoa(maxMembers) + " keys")
		}
		if p.next('}') {
			return n, nil
		}
		if !p.next(',') {
			return node{}, p.unexpected()
		}
	}
}

// maxMembers keeps the search for duplicates short.
const maxMembers = 128

func (p *parser) array(depth int) (node, error) {
	n := node{kind: '['}
	if p.next(']') {
		return n, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, v)
		if p.next(']') {
			return n, nil
		}
		if !p.next(',') {
			return node{}, p.unexpected()
		}
	}
}

// number reads an unsigned integer that JavaScript can hold exactly.
func (p *parser) number() (node, error) {
	start := p.pos
	for p.pos < len(p.in) && p.in[p.pos] >= '0' && p.in[p.pos] <= '9' {
		p.pos++
	}
	digits := string(p.in[start:p.pos])
	if len(digits) > 1 && digits[0] == '0' {
		return node{}, invalid("a number begins with a superfluous 0")
	}
	if p.pos < len(p.in) {
		switch p.in[p.pos] {
		case '.', 'e', 'E':
			return node{}, invalid("a number is not an integer")
		}
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || v > MaxInteger {
		return node{}, invalid("a number is larger than 2^53-1")
	}
	return node{kind: '0', num: v}, nil
}

// MaxInteger is the largest integer JavaScript numbers hold exactly, 2^53-1.
const MaxInteger = 1<<53 - 1

// text reads the rest of a string whose opening quote is consumed.
func (p *parser) text() (string, error) {
	start := p.pos
	for p.pos < len(p.in) {
		switch c := p.in[p.pos]; {
		case c == '"':
			s := string(p.in[start:p.pos])
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(append([]byte(nil), p.in[start:p.pos]...))
		case c < 0x20:
			return "", invalid("a string holds a control character")
		}
		p.pos++
	}
	return "", p.unexpected()
}

func (p *parser) escaped(out []byte) (string, error) {
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		switch {
		case c == '"':
			p.pos++
			return string(out), nil
		case c < 0x20:
			return "", invalid("a string holds a control character")
		case c != '\\':
			out = append(out, c)
			p.pos++
			continue
		}
		if p.pos++; p.pos >= len(p.in) {
			break
		}
		esc := p.in[p.pos]
		p.pos++
		switch esc {
		case '"', '\\', '/':
			out = append(out, esc)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, err := p.unicode()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", invalid("a string holds an unknown escape")
		}
	}
	return "", p.unexpected()
}

// unicode reads the four digits after \u, and a second escape if the first is the
// upper half of a surrogate pair. Half a pair is not text and is refused.
func (p *parser) unicode() (rune, error) {
	r, err := p.hex4()
	if err != nil {
		return 0, err
	}
	if r < 0xD800 || r > 0xDFFF {
		return r, nil
	}
	if r < 0xDC00 && len(p.in)-p.pos >= 2 && p.in[p.pos] == '\\' && p.in[p.pos+1] == 'u' {
		p.pos += 2
		low, err := p.hex4()
		if err != nil {
			return 0, err
		}
		if low >= 0xDC00 && low <= 0xDFFF {
			return (r-0xD800)<<10 | (low - 0xDC00) + 0x10000, nil
		}
	}
	return 0, invalid("a string holds half a surrogate pair")
}

func (p *parser) hex4() (rune, error) {
	if len(p.in)-p.pos < 4 {
		return 0, p.unexpected()
	}
	v, err := strconv.ParseUint(string(p.in[p.pos:p.pos+4]), 16, 16)
	if err != nil {
		return 0, invalid("a string holds a malformed escape")
	}
	p.pos += 4
	return rune(v), nil
}

const hexDigits = "0123456789abcdef"

// appendText writes s as the shortest JSON string, so that text read from one
// message fits into the next. Invalid UTF-8 becomes U+FFFD, so the output is always
// valid; < > & and the two line separators stay as they are, because this output is
// never put into HTML.
func appendText(out []byte, s string) []byte {
	out = append(out, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			out = utf8.AppendRune(out, r)
			i += n
			continue
		}
		i++
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c >= 0x20:
			out = append(out, c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c == '\r':
			out = append(out, '\\', 'r')
		case c == '\t':
			out = append(out, '\\', 't')
		case c == '\b':
			out = append(out, '\\', 'b')
		case c == '\f':
			out = append(out, '\\', 'f')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(out, '"')
}
