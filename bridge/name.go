package bridge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name is a file's name made safe to show and to save, and what it says of the file.
type Name struct {
	Text      string // one path element of 1 to 255 bytes, without control or bidi characters
	Extension string // the true one: lower case, without the dot; may be empty
	Kind      Kind
	Caution   Caution // why to be careful; empty when there is no reason
	Changed   Change  // what a person may want to know of the difference to the name as sent; mostly empty
}

// Caution is a reason to be careful with a file.
type Caution string

// The cautions, the gravest first.
const (
	CautionProgram   Caution = "program"        // it runs when opened, or starts something that does
	CautionType      Caution = "type-disagrees" // extension and declared type do not fit
	CautionAltered   Caution = "name-altered"   // the name hides what the file is
	CautionMacros    Caution = "macros"         // a document that may hold programs
	CautionContainer Caution = "container"      // opened as a disk or folder, whose programs no desktop checks
	CautionSettings  Caution = "settings"       // it changes how the computer is set up
	CautionPath      Caution = "name-path"      // the name was a path, of which the last part is left
)

// Cautions is the closed list.
var Cautions = []Caution{
	CautionProgram, CautionType, CautionAltered, CautionMacros, CautionContainer, CautionSettings, CautionPath,
}

// Change is what was changed in a name for harmless reasons. It is not a reason to
// be careful.
type Change string

// The changes.
const (
	ChangeReserved   Change = "name-reserved"   // Windows keeps the name for a device
	ChangeCharacters Change = "name-characters" // Windows cannot store some of its characters, or they were damaged
	ChangeShortened  Change = "name-shortened"  // longer than a file system takes
)

// Changes is the closed list.
var Changes = []Change{ChangeReserved, ChangeCharacters, ChangeShortened}

// MaxNameLength is how many characters a document's name may have (UCS: TheName).
const MaxNameLength = 256

// maxShown bounds a shown name in bytes, as file systems do: 255 bytes of UTF-8
// (ext4, APFS) are at most 255 units of UTF-16 (NTFS).
const maxShown = 255

// SafeName returns the name as it may be shown, stored and saved, and judges it.
// mimeType is the declared type and may be empty. It is idempotent: a safe name
// stays as it is. Characters are not normalised, because a name must stay the
// one that was sent.
func SafeName(raw, mimeType string) Name {
	c := clean(raw)
	ext := extensionOf(c.text)
	kind, disagree := KindOf(ext, mimeType)
	n := Name{Extension: ext, Kind: kind}
	var shortened bool
	n.Text, shortened = shorten(c.text, ext)
	switch {
	case kind == Program:
		n.Caution = CautionProgram
	case disagree:
		n.Caution = CautionType
	case c.hides || misleads(c.text, ext):
		n.Caution = CautionAltered
	case cautionOfExtension[ext] != "":
		n.Caution = cautionOfExtension[ext]
	case c.path:
		n.Caution = CautionPath
	}
	switch {
	case c.reserved:
		n.Changed = ChangeReserved
	case c.characters:
		n.Changed = ChangeCharacters
	case shortened:
		n.Changed = ChangeShortened
	}
	return n
}

// unnamed stands in for a name of which nothing is left.
const unnamed = "unnamed"

// cleaned is a name with what was found in it.
type cleaned struct {
	text       string
	hides      bool // it held something that only a deceiver puts there
	path       bool
	reserved   bool
	characters bool
}

// clean takes away path parts and what must not be seen or stored, until
// nothing more is found: what goes may leave something else out of place.
func clean(raw string) cleaned {
	c := cleaned{text: raw}
	if i := strings.LastIndexAny(raw, `/\`); i >= 0 {
		c.text = raw[i+1:]
		c.path = true
	}
	for before := raw + "/"; c.text != before; {
		before = c.text
		if !plain(c.text) {
			c.takeOut()
		}
		// Windows drops trailing dots and blanks, and with them the extension's meaning.
		c.text = strings.TrimRightFunc(c.text, func(r rune) bool { return r == '.' || blank(r) })
		c.text = strings.TrimLeftFunc(c.text, blank)
	}
	switch {
	case c.text == "":
		c.text, c.hides = unnamed, true
	case reservedName(c.text):
		c.text, c.reserved = "_"+c.text, true
	}
	return c
}

// plain reports that there is nothing to take out, as in most names.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c > 0x7E || strings.IndexByte(forbidden, c) >= 0 {
			return false
		}
	}
	return true
}

// blank reports what looks like nothing: White_Space, and the pattern of Braille
// without dots.
func blank(r rune) bool { return unicode.IsSpace(r) || r == 0x2800 }

// reservedName reports the names of Windows that no file may have, with any
// extension, and two whole names that its shell obeys.
func reservedName(text string) bool {
	stem, _, _ := strings.Cut(text, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	if strings.EqualFold(text, "desktop.ini") || strings.EqualFold(text, "thumbs.db") {
		return true
	}
	number, numbered := strings.CutPrefix(stem, "COM")
	if !numbered {
		number, numbered = strings.CutPrefix(stem, "LPT")
	}
	return numbered && utf8.RuneCountInString(number) == 1 && strings.Contains("0123456789¹²³", number)
}

// extensionOf returns what follows the last dot, lower case. A dot file has
// none, unless Windows would run it; what no desktop would take for an extension
// is none either.
func extensionOf(text string) string {
	i := strings.LastIndexByte(text, '.')
	if i < 0 || i == len(text)-1 {
		return ""
	}
	ext := strings.ToLower(text[i+1:])
	if i == 0 && kindOfExtension[ext] != Program {
		return ""
	}
	if len(ext) > maxExtension || strings.Contains(ext, ellipsis) || strings.ContainsFunc(ext, unicode.IsSpace) {
		return ""
	}
	return ext
}

const maxExtension = 32

// CheckName reports whether a file may be announced under that name: codes
// name-invalid and name-too-long.
func CheckName(raw string) error {
	switch {
	case strings.TrimSpace(raw) == "" || !utf8.ValidString(raw):
		return NewError(CodeNameInvalid, "")
	case utf8.RuneCountInString(raw) > MaxNameLength:
		return NewError(CodeNameLength, "")
	}
	return nil
}

func (n *Name) fields(f fields) {
	f.optional("name", &n.Text, 1024)
	f.optional("extension", &n.Extension, 64)
	f.choice("kind", (*string)(&n.Kind), kindNames)
	f.choiceOr("caution", (*string)(&n.Caution), cautionNames)
	if n.Changed != "" {
		f.choiceOr("changed", (*string)(&n.Changed), changeNames)
	}
}

var kindNames, cautionNames, changeNames = names(Kinds), names(Cautions), names(Changes)

func names[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
