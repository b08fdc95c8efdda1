package bridge

import (
	"errors"
	"unicode/utf8"
)

// Error is a refusal or failure that a person may see. Message names the rule
// and the limit that was broken; Hint says what to do.
type Error struct {
	Code    Code
	Message string
	Hint    string
	Retry   bool
	ID      string // also in the proxy's log; may be empty
	Err     error  // the cause; never crosses the wire
}

// maxSentence bounds a message in bytes: it may quote a stranger's input, and an
// error must always fit into the wire message that carries it.
const maxSentence = 1024

// NewError returns the catalogue's error of that code. A message that is not empty
// replaces the catalogue's sentence.
func NewError(code Code, message string) *Error {
	r := code.Rule()
	if message == "" {
		message = r.Message
	}
	return &Error{Code: r.Code, Message: clip(message, maxSentence), Hint: r.Hint, Retry: r.Retry}
}

// clip cuts s to at most max bytes, between characters.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	cut := max - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}

const ellipsis = "…"

// WrapError is NewError with a cause for the log.
func WrapError(code Code, err error) *Error {
	e := NewError(code, "")
	e.Err = err
	return e
}

// Error returns the message and, if there is one, the cause after it.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// AsError returns err as an *Error. Any other error becomes code internal, with
// err as its cause.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return WrapError(CodeInternal, err)
}

// CodeOf returns the code of err, or "" if err is not an *Error.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func (e *Error) fields(f fields) {
	f.text("code", (*string)(&e.Code), 64)
	f.text("message", &e.Message, maxSentence)
	f.optional("hint", &e.Hint, maxSentence)
	f.flag("retry", &e.Retry)
	f.optional("id", &e.ID, 64)
}

// AppendError appends {"error":{…}}, the body of an HTTP error response.
func AppendError(out []byte, e *Error) []byte {
	return append(encode(append(out, `{"error":`...), e), '}')
}
