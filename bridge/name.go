package bridge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name is a file's name made safe to show and to save, and what it says about the file.
type Name struct {
	Text      string // one path element of 1 to 255 bytes, without control or bidi characters
	Extension string // decides how a desktop opens the file: lower case, without the dot; may be empty
	Kind      Kind
	Caution   Caution // empty if there is none
	Changed   Change  // a harmless change that a person may want to know about; mostly empty
}

// Caution is a reason to be careful with a file.
type Caution string

// The cautions, the gravest first.
const (
	CautionProgram   Caution = "program"        // it runs when opened, or starts something that runs
	CautionType      Caution = "type-disagrees" // extension and declared type do not fit
	CautionAltered   Caution = "name-altered"   // the name hides what the file is
	CautionMacros    Caution = "macros"         // a document that may hold programs
	CautionContainer Caution = "container"      // opens as a disk or folder, whose programs no desktop checks
	CautionSettings  Caution = "settings"       // it changes the computer's settings
	CautionPath      Caution = "name-path"      // the name was a path; only its last part is left
)

// Cautions is the closed list.
var Cautions = []Caution{
	CautionProgram, CautionType, CautionAltered, CautionMacros, CautionContainer, CautionSettings, CautionPath,
}

// Change is a harmless change of a name. It is not a reason to be careful.
type Change string

const (
	ChangeReserved   Change = "name-reserved"   // Windows reserves the name for a device
	ChangeCharacters Change = "name-characters" // Windows cannot store some of its characters, or they were damaged
	ChangeShortened  Change = "name-shortened"  // it was too long for file systems
)

// Changes is the closed list.
var Changes = []Change{ChangeReserved, ChangeCharacters, ChangeShortened}

// MaxNameLength is how many characters a document's name may have (UCS: TheName).
const MaxNameLength = 256

// maxShown bounds a shown name in bytes, as file systems do: 255 bytes of UTF-8
// (ext4, APFS) are at most 255 units of UTF-16 (NTFS).
const maxShown = 255

// SafeName returns a form of the name that is safe to show, store and save, with the
// file's kind and cautions. mimeType is the declared type and may be empty. SafeName
// is idempotent: a safe name stays as it is. Unicode is not normalized, because a
// name must stay the one that was sent.
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
	case c.hides || disguised(c.text, ext):
		n.Caution = CautionAltered
	case cautionOfExtension(ext) != "":
		n.Caution = cautionOfExtension(ext)
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

// unnamed replaces a name that is empty after cleaning.
const unnamed = "unnamed"

// cleaned is a clean name, and what was removed from it.
type cleaned struct {
	text       string
	hides      bool // it had a character whose only use is to deceive
	path       bool
	reserved   bool
	characters bool
}

// clean removes the path, and characters that must not be shown or stored, until
// nothing more is found: a removal may expose the next one.
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

// plain reports that there is nothing to remove, as in most names.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c > 0x7E || strings.IndexByte(forbidden, c) >= 0 {
			return false
		}
	}
	return true
}

// blank reports whether r leaves no mark: White_Space, and the Braille pattern
// without dots.
func blank(r rune) bool { return unicode.IsSpace(r) || r == 0x2800 }

// reservedName reports whether Windows reserves the name for a device, with any
// extension, or whether it is one of two names that its shell obeys.
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

// extensionOf returns what follows the last dot, in lower case; "" if no desktop
// would take it for an extension. A dot file has none, unless Windows would run it.
func extensionOf(text string) string {
	i := strings.LastIndexByte(text, '.')
	if i < 0 || i == len(text)-1 {
		return ""
	}
	ext := strings.ToLower(text[i+1:])
	if i == 0 && kindOfExtension(ext) != Program {
		return ""
	}
	if len(ext) > maxExtension || strings.Contains(ext, ellipsis) || strings.ContainsFunc(ext, unicode.IsSpace) {
		return ""
	}
	return ext
}

const maxExtension = 32

// CheckName checks whether a file may be announced under that name: codes
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
