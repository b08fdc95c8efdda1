package ucs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The names of UCS's HTTP interface. The path, the verbs and the groups are documented (UCS 9.1
// API Reference Guide), and the same guide says that methods and members are those of the ESP
// messages.
const (
	pathPrefix      = "/ucs/v1/"
	serviceDocument = "OMInteractions"
	serviceResponse = "OMResponse"

	methodAdd        = "AddDocument"
	methodGet        = "GetDocument"
	methodUpdate     = "UpdateDocument"
	methodRemove     = "RemoveDocument"
	methodAttachment = "GetAttachment"
	methodAdd2       = "AddDocument2"
	methodGet2       = "GetDocument2"
	methodRemove2    = "RemoveDocument2"

	groupParameters = "Parameters"
	groupUserData   = "UserData"
	groupFault      = "Fault" // of a fault that is nested; not documented

	memberInteraction = "InteractionId"
	memberResponse    = "StandardResponseId"
	memberDocument    = "DocumentId"
	memberType        = "MimeType"
	memberName        = "TheName"
	memberDescription = "Description"
	memberSize        = "TheSize"
	memberContent     = "Content"
	memberInclude     = "IncludeBinaryContent"
	memberSource      = "DataSource"

	memberFaultCode   = "FaultCode"
	memberFaultString = "FaultString"
	memberFaultText   = "ErrorDescription"
)

// message is a request or a reply without its content.
type message map[string]map[string]value // by group, "" for the top level, and name

// messageReader reads messages whose content may be larger than the memory.
type messageReader struct {
	// groups are those whose members count. Any other member is read and dropped.
	groups []string
	// content gets the decoded content of the first group that has one, where it comes: any
	// other member may come before or after it. It need not read all of it if it fails.
	content func(m message, content io.Reader) error
}

func (r messageReader) read(in io.Reader) (message, error) {
	s, m := newJSONStream(in), message{}
	if mark, _ := s.in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		s.in.Discard(3) // some programs begin UTF-8 so
	}
	for _, group := range r.groups {
		m[group] = map[string]value{}
	}
	err := s.object(func(name string) error {
		if name != "" && m[name] != nil {
			if c, err := s.next(); err != nil || c == '{' {
				return errors.Join(err, s.object(func(member string) error { return r.member(s, m, name, member) }))
			}
		}
		return r.member(s, m, "", name)
	})
	if err == nil {
		err = s.end()
	}
	return m, err
}

// member reads the value of a member.
func (r messageReader) member(s *jsonStream, m message, group, name string) error {
	if c, err := s.next(); name == memberContent && m[group] != nil && r.content != nil && (c == '"' || err != nil) {
		if err != nil {
			return err
		}
		return r.stream(s, m)
	}
	v, err := s.value(0)
	if err == nil && m[group] != nil {
		m[group][name] = v
	}
	return err
}

func (r messageReader) stream(s *jsonStream, m message) error {
	in, err := s.string()
	if err != nil {
		return err
	}
	decoded := newBase64Reader(in)
	if err := r.content(m, decoded); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, decoded)
	if err == nil && n > 0 {
		err = errors.New("some of the content was not read")
	}
	return err
}

// get is the member of the first group that has it.
func (m message) get(name string) value {
	for _, group := range []string{groupParameters, "", groupUserData, groupFault} {
		if v := m[group][name]; v.kind != absent {
			return v
		}
	}
	return value{}
}

// text is a member that is a string; nil if it is missing.
func (m message) text(name string) (*string, error) {
	switch v := m.get(name); v.kind {
	case absent:
		return nil, nil
	case text:
		return &v.text, nil
	}
	return nil, &Error{Fault: IncorrectParameterType, Parameter: name}
}

// size is a member that is a whole number, written as a number or as a string: both are in use
// for sizes in the vendor's notices. nil: it is missing.
func (m message) size(name string) (*int64, error) {
	v := m.get(name)
	if v.kind == absent {
		return nil, nil
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	switch {
	case v.kind != number && v.kind != text:
		return nil, &Error{Fault: IncorrectParameterType, Parameter: name}
	case err != nil:
		return nil, &Error{Fault: IncorrectParameterValue, Parameter: name}
	}
	return &n, nil
}

// isTrue reads a flag from a query or a member.
func isTrue(name, text string, absent bool) (bool, error) {
	switch strings.ToLower(text) {
	case "":
		return absent, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, &Error{Fault: IncorrectParameterType, Parameter: name}
}

// outgoing is a message to be sent: its JSON is before, the content as base64, and after.
type outgoing struct {
	before, after []byte
	content       io.Reader // nil: none
	size          int64     // of content
	base64        Base64
}

// member is one member of an outgoing message.
type member struct {
	name  string
	value any // a string, an int64 or a bool
}

// newOutgoing makes a message. In group "" its members are those of the top level.
func newOutgoing(group string, members []member, content io.Reader, size int64, d Dialect) (*outgoing, error) {
	var fields [][]byte
	for _, one := range members {
		if n, ok := one.value.(int64); ok && d.Sizes == SizeString {
			one.value = strconv.FormatInt(n, 10)
		}
		v, err := marshal(one.value)
		if err != nil {
			return nil, err
		}
		fields = append(fields, fmt.Appendf(nil, "%q:%s", one.name, v))
	}
	open, end := "{", "}"
	if group != "" {
		open, end = `{"`+group+`":{`, `},"`+groupUserData+`":{}}`
	}
	o := &outgoing{content: content, size: size, base64: d.Base64}
	rest := bytes.Join(fields, []byte(","))
	switch {
	case content == nil:
		o.before = fmt.Appendf(nil, "%s%s%s", open, rest, end)
	case d.ContentFirst && len(rest) > 0:
		o.before = fmt.Appendf(nil, `%s"%s":"`, open, memberContent)
		o.after = fmt.Appendf(nil, `",%s%s`, rest, end)
	default:
		if len(rest) > 0 {
			rest = append(rest, ',')
		}
		o.before = fmt.Appendf(nil, `%s%s"%s":"`, open, rest, memberContent)
		o.after = fmt.Appendf(nil, `"%s`, end)
	}
	return o, nil
}

// marshal writes a value as JSON without escaping what only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// length is how many bytes WriteTo writes.
func (o *outgoing) length() int64 {
	n := int64(len(o.before) + len(o.after))
	if o.content == nil {
		return n
	}
	return n + o.encodedLength()
}

func (o *outgoing) encodedLength() int64 {
	text := o.size / 3 * 4
	if rest := o.size % 3; rest > 0 {
		text += 4
		if o.base64 == Base64Raw || o.base64 == Base64RawURL {
			text += rest - 3
		}
	}
	if o.base64 == Base64Lines && text > 0 {
		text += (text - 1) / mimeLine * int64(len(mimeBreak))
	}
	return text
}

const (
	mimeLine  = 76
	mimeBreak = `\r\n` // as JSON writes it
)

// WriteTo writes the message. It fails if the content does not have its size.
func (o *outgoing) WriteTo(w io.Writer) (n int64, err error) {
	counted := &countingWriter{Writer: w}
	if _, err := counted.Write(o.before); err != nil {
		return counted.n, err
	}
	if o.content != nil {
		if err := o.encode(counted); err != nil {
			return counted.n, err
		}
	}
	_, err = counted.Write(o.after)
	return counted.n, err
}

func (o *outgoing) encode(w io.Writer) error {
	if o.base64 == Base64Lines {
		w = &lineWriter{w: w}
	}
	encoder := base64.NewEncoder(o.base64.encoding(), w)
	buf := make([]byte, 48<<10)
	n, err := io.CopyBuffer(struct{ io.Writer }{encoder}, struct{ io.Reader }{io.LimitReader(o.content, o.size)}, buf)
	if err == nil && n != o.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	return encoder.Close()
}

// lineWriter breaks lines, in JSON's escapes.
type lineWriter struct {
	w      io.Writer
	column int
}

func (l *lineWriter) Write(p []byte) (int, error) {
	var out bytes.Buffer
	for rest := p; len(rest) > 0; {
		if l.column == mimeLine {
			out.WriteString(mimeBreak)
			l.column = 0
		}
		n := min(len(rest), mimeLine-l.column)
		out.Write(rest[:n])
		rest, l.column = rest[n:], l.column+n
	}
	_, err := l.w.Write(out.Bytes())
	return len(p), err
}

type countingWriter struct {
	io.Writer
	n int64
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.n += int64(n)
	return n, err
}
