package cli

import (
	"fmt"
	"mime"
	"strings"

	"attache/bridge"
)

// extensions checks a list of extensions as bridge.ParseTypes reads it. An entry that no
// file can have would refuse the files that it was meant to allow, and a list without
// entries would allow every file.
func (m *mistakes) extensions(flag, list string) {
	types := bridge.ParseTypes(list)
	if len(types) == 0 && strings.TrimSpace(list) != "" {
		m.add("%s %q names no extension: write, for instance, jpg:pdf, or leave it empty to allow every type", flag, list)
	}
	for _, t := range types {
		if hint := extension(t); hint != "" {
			m.add("%s %q matches no file: %s", flag, t, hint)
		}
	}
	// A page can receive no more; see Limits.fields.
	if len(types) > 256 {
		m.add("%s has %d extensions, and 256 are allowed: shorten it, or leave it empty to allow every type", flag, len(types))
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
