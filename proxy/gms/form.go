package gms

import (
	"bytes"
	"io"
	"strings"
)

// newForm reads a URL-encoded body. An escape that is none is text: a client that forgot to
// escape a percent sign meant one.
func newForm(body io.Reader) (parts, error) {
	all, err := io.ReadAll(body)
	if err != nil {
		return nil, unreadable(err)
	}
	return readForm(string(bytes.Trim(all, "\r\n \t")))
}

// readForm reads what a body or a query has.
func readForm(text string) (*list, error) {
	var l list
	for field := range strings.SplitSeq(text, "&") {
		if field == "" {
			continue
		}
		if len(l) == maxParts {
			return nil, tooMany()
		}
		name, value, _ := strings.Cut(field, "=")
		l = append(l, part{name: unescape(name), value: unescape(value)})
	}
	return &l, nil
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out = append(out, ' ')
		case s[i] == '%' && i+2 < len(s) && hex(s[i+1]) >= 0 && hex(s[i+2]) >= 0:
			out = append(out, byte(hex(s[i+1])<<4|hex(s[i+2])))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
