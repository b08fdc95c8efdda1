package limits

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"

	"attache/bridge"
)

// Mistake is what is wrong with one option.
type Mistake struct {
	Option  string `json:"option,omitempty"` // empty: with the document as a whole
	Message string `json:"message"`
}

// Mistakes is an error that names all of them.
type Mistakes []Mistake

func (m Mistakes) Error() string {
	list := make([]string, len(m))
	for i, one := range m {
		list[i] = strings.TrimPrefix(one.Option+": "+one.Message, ": ")
	}
	return strings.Join(list, "; ")
}

func (m *Mistakes) add(option, format string, args ...any) {
	*m = append(*m, Mistake{option, fmt.Sprintf(format, args...)})
}

// Bounds are what else a limit must fit into. Zero members bound nothing.
type Bounds struct {
	Scanned int64 // bytes of the largest file that the scanner accepts
	Store   int64 // bytes of the whole store

	AgentsOnly bool // a backend bounds customers
}

// Check returns everything that is wrong with the settings.
func (s Settings) Check(b Bounds) (m Mistakes) {
	for _, o := range Options {
		switch v := o.value(&s).(type) {
		case *int64:
			m.number(o.Name, *v)
			if strings.HasSuffix(o.Name, "-file-size") && !(o.Customers && b.AgentsOnly) {
				m.bytes(o.Name, *v, b)
			}
		case *string:
			if strings.HasSuffix(o.Name, "-types") {
				m.extensions(o.Name, *v)
			}
		}
	}
	if !contains(bridge.DeleteTokens, s.DeleteFile) {
		m.add("delete-file", "%q is none of %s", s.DeleteFile, strings.Join(bridge.DeleteTokens, ", "))
	}
	m.fits("upload", s.UploadMaxFiles, s.UploadMaxFileSize, s.UploadMaxTotalSize)
	if s.AgentMaxFileSize != bridge.NoLimit { // no limit is the default, and a total alone makes sense
		m.fits("agent", s.AgentMaxFiles, s.AgentMaxFileSize, s.AgentMaxTotalSize)
	}
	return m
}

// fits refuses a file size that the total size never lets pass.
func (m *Mistakes) fits(prefix string, files, size, total int64) {
	if files != 0 && total > 0 && size > total {
		m.add(prefix+"-max-file-size", "%d is more than %s-max-total-size=%d, so no file of that size could be sent: raise the total or lower the size", size, prefix, total)
	}
}

// number checks a limit; -1 is no limit.
func (m *Mistakes) number(option string, n int64) {
	if n < bridge.NoLimit || n > bridge.MaxInteger {
		m.add(option, "%d: give a number up to 2^53-1, 0 for %s, or -1 for no limit", n, zero(option))
	}
}

func zero(option string) string {
	if option == "download-attempts" {
		return "no downloads"
	}
	return "no uploads"
}

// bytes refuses a limit that promises pages more than the scanner or the store accepts.
func (m *Mistakes) bytes(option string, n int64, b Bounds) {
	if b.Scanned > 0 && n > b.Scanned {
		m.add(option, "%d is more than --scan-max-size=%d, above which every file is refused: lower it, or raise --scan-max-size and clamd's StreamMaxLength", n, b.Scanned)
	}
	if b.Store > 0 && n >= b.Store {
		m.add(option, "%d does not fit into --max-store=%d: raise one or lower the other", n, b.Store)
	}
}

// extensions checks a list of extensions as bridge.ParseTypes reads it. An entry that no
// file can have would refuse the files that it was meant to allow, and a list without
// entries would allow every file.
func (m *Mistakes) extensions(option, list string) {
	types := bridge.ParseTypes(list)
	if len(types) == 0 && strings.TrimSpace(list) != "" {
		m.add(option, "%q names no extension: write, for instance, jpg:pdf, or leave it empty to allow every type", list)
	}
	for _, t := range types {
		if hint := extension(t); hint != "" {
			m.add(option, "%q matches no file: %s", t, hint)
		}
	}
	// A page can receive no more; see bridge.Limits.
	if len(types) > 256 {
		m.add(option, "it has %d extensions, and 256 are allowed: shorten it, or leave it empty to allow every type", len(types))
	}
	if n := len(strings.Join(types, ":")); n > bridge.MaxValue {
		m.add(option, "it has %d bytes, and %d are allowed, because a reply of Chat Server carries no more", n, bridge.MaxValue)
	}
}

// extension returns what to write instead of t; "" if a file may have t.
func extension(t string) string {
	switch {
	case t == "*" || t == "*.*" || t == "*/*":
		return "leave the list empty to allow every type"
	case strings.Contains(t, "/"):
		if known, err := mime.ExtensionsByType(t); err == nil && len(known) > 0 {
			return "it is a MIME type, write its extensions: " + strings.ReplaceAll(strings.TrimPrefix(strings.Join(known, ":"), "."), ":.", ":")
		}
		return "it is a MIME type, write extensions such as jpg:png"
	case strings.ContainsAny(t, ";|\t\n"):
		return "separate extensions by colons: " + strings.Join(strings.FieldsFunc(t, func(r rune) bool { return strings.ContainsRune(";|\t\n*.", r) }), ":")
	}
	// SafeName decides which extensions a file can have.
	bare := strings.Trim(t, "*.\"'?[](){}^$\\")
	if i := strings.LastIndexByte(bare, '.'); i >= 0 {
		return fmt.Sprintf("an extension is what follows the last dot, write %s", bare[i+1:])
	}
	if bare != t || bridge.SafeName("file."+t, "").Extension != t {
		if bare == "" || bridge.SafeName("file."+bare, "").Extension != bare {
			return "write an extension without dots, such as jpg"
		}
		return "write " + bare
	}
	return ""
}

// Set gives the option of that name a value in its text form. An error names what the
// option takes.
func (s *Settings) Set(name, text string) error {
	o, ok := find(name)
	if !ok {
		return Mistakes{{name, "there is no such option; the options are " + names(true, true)}}
	}
	var err error
	switch v := o.value(s).(type) {
	case *int64:
		*v, err = strconv.ParseInt(text, 10, 64)
	case *bool:
		*v, err = strconv.ParseBool(text)
	case *string:
		*v = text
	}
	if err != nil {
		m := Mistakes{{name, strconv.Quote(text) + " is not " + kind(o)}}
		if strings.HasSuffix(name, "-size") {
			m[0].Message += ": write bytes, such as 2097152"
		}
		return m
	}
	return nil
}

// Value returns the value of the option of that name, from its text form, as JSON.
func Value(name, text string) (json.RawMessage, error) {
	var s Settings
	if err := s.Set(name, text); err != nil {
		return nil, err
	}
	o, _ := find(name)
	return json.Marshal(o.value(&s))
}

func kind(o Option) string {
	switch o.value(&Settings{}).(type) {
	case *int64:
		return "a whole number"
	case *bool:
		return "true or false"
	}
	return "a string"
}

// decode reads the options of a JSON object into s, which keeps the options that are not in
// it, and returns the ones that are, and all mistakes.
func (s *Settings) decode(in []byte) (given []Option, m Mistakes) {
	d := json.NewDecoder(bytes.NewReader(in))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, Mistakes{{"", "it is not a JSON object with the names of options"}}
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			m.add("", "it is not JSON: %s", err)
			return given, m
		}
		name := key.(string)
		o, ok := find(name)
		switch {
		case !ok:
			m.add(name, "there is no such option; the options are %s", names(true, true))
		case seen[name]:
			m.add(name, "it is there twice")
		case bytes.Equal(bytes.TrimSpace(value), []byte("null")) || json.Unmarshal(value, o.value(s)) != nil:
			m.add(name, "%s is not %s", value, kind(o))
		default:
			given = append(given, o)
		}
		seen[name] = true
	}
	if _, err := d.Token(); err != nil {
		m.add("", "it is not JSON: %s", err)
	} else if d.More() {
		m.add("", "something follows the object")
	}
	return given, m
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}
