// Package fmt is what the browser module has in place of the package fmt of the standard
// library, and a hundredth of its size.
//
// Nothing of ours formats with fmt there. The packages safejs and encoding/hex do, in the
// words of a few errors, and with fmt come reflect and the tables of both: a twelfth of the
// module. web/pack builds it with this file instead, by go build's overlay; its test lists
// who imports fmt, and compares the two packages in all that those ask for.
package fmt

import (
	"errors"
	"io"
	"strconv"
)

// State, Formatter and Stringer are those of the standard library. No value is asked for its
// own format here.
type (
	State interface {
		Write(b []byte) (n int, err error)
		Width() (wid int, ok bool)
		Precision() (prec int, ok bool)
		Flag(c int) bool
	}
	Formatter interface{ Format(f State, verb rune) }
	Stringer  interface{ String() string }
)

// Sprintf knows the verbs %v, %+v, %s, %d, %q and %#U, of strings, errors, Stringers, integers
// and booleans.
func Sprintf(format string, values ...any) string {
	var out []byte
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out = append(out, format[i])
			continue
		}
		for i++; i < len(format) && (format[i] == '+' || format[i] == '#'); i++ {
		}
		if i == len(format) || len(values) == 0 {
			return string(append(out, "%!"...))
		}
		out = appendValue(out, format[i], values[0])
		values = values[1:]
	}
	return string(out)
}

func appendValue(out []byte, verb byte, value any) []byte {
	text := textOf(value)
	switch verb {
	case 'q':
		return strconv.AppendQuote(out, text)
	case 'U':
		return appendRune(out, value)
	}
	return append(out, text...)
}

func textOf(value any) string {
	switch value := value.(type) {
	case nil:
		return "<nil>"
	case error:
		return value.Error()
	case Stringer:
		return value.String()
	case string:
		return value
	case bool:
		return strconv.FormatBool(value)
	case int:
		return strconv.Itoa(value)
	case rune:
		return strconv.Itoa(int(value))
	case byte:
		return strconv.Itoa(int(value))
	}
	return "(a value of another type)"
}

// appendRune appends a character of the basic plane: U+0067 'g'.
func appendRune(out []byte, value any) []byte {
	r, ok := value.(rune)
	if !ok {
		return append(out, "%!U"...)
	}
	const digits = "0123456789ABCDEF"
	out = append(out, "U+"...)
	for shift := 12; shift >= 0; shift -= 4 {
		out = append(out, digits[r>>shift&0xF])
	}
	if !strconv.IsPrint(r) {
		return out
	}
	return strconv.AppendQuoteRune(append(out, " "...), r)
}

// Sprint is [Sprintf] without a format.
func Sprint(values ...any) string {
	var out []byte
	for _, v := range values {
		out = append(out, textOf(v)...)
	}
	return string(out)
}

func Errorf(format string, values ...any) error { return errors.New(Sprintf(format, values...)) }

func Fprintf(w io.Writer, format string, values ...any) (int, error) {
	return io.WriteString(w, Sprintf(format, values...))
}

func Fprint(w io.Writer, values ...any) (int, error) { return io.WriteString(w, Sprint(values...)) }
