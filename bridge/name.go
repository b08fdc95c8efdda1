package bridge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name is a file's name made safe to show, and what it says of the file.
type Name struct {
	Text      string // one path element without control or bidi characters
	Extension string // the true one: lower case, without the dot; may be empty
	Kind      Kind
	Caution   Caution // why to be careful; empty when there is no reason
}

// Caution is a reason to be careful with a file.
type Caution string

// The cautions, the gravest first.
const (
	CautionProgram Caution = "program"        // it runs when opened
	CautionType    Caution = "type-disagrees" // extension and declared type do not fit
	CautionAltered Caution = "name-altered"   // the name held something meant to deceive
)

// Cautions is the closed list.
var Cautions = []Caution{CautionProgram, CautionType, CautionAltered}

// MaxNameLength is how many characters a document's name may have (UCS: TheName).
const MaxNameLength = 256

// maxShown bounds a shown name in bytes; the extension is always kept.
const maxShown = 200

// SafeName returns the name as it may be shown, and judges it. It is
// idempotent: a safe name stays as it is. Characters are not normalised, for a
// name must stay the one that was sent.
func SafeName(raw, mimeType string) Name {
	text, altered := cleanName(raw)
	ext := extensionOf(text)
	kind, disagree := KindOf(ext, mimeType)
	n := Name{Text: shorten(text, ext), Extension: ext, Kind: kind}
	switch {
	case kind == Program:
		n.Caution = CautionProgram
	case disagree:
		n.Caution = CautionType
	case altered:
		n.Caution = CautionAltered
	}
	return n
}

// unnamed stands in for a name of which nothing is left.
const unnamed = "unnamed"

// cleanName takes path parts, control and invisible characters away. altered
// tells that something was taken that only a deceiver puts there.
func cleanName(raw string) (text string, altered bool) {
	base := raw
	if i := strings.LastIndexAny(base, `/\`); i >= 0 {
		base = base[i+1:]
		altered = true
	}
	out := make([]byte, 0, len(base))
	for _, r := range base {
		switch {
		case r == utf8.RuneError, r < 0x20, r >= 0x7F && r < 0xA0, r == 0xFFFE, r == 0xFFFF:
			altered = true
		case bidiControl(r), invisible(r):
			altered = true
		case strings.ContainsRune(`:*?"<>|`, r):
			// Windows cannot store these; a colon opens another stream there.
			out = append(out, '_')
			altered = altered || r == ':'
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	// Windows drops trailing dots and blanks, and with them the extension's meaning.
	text = strings.TrimRightFunc(string(out), func(r rune) bool { return r == '.' || unicode.IsSpace(r) })
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if text == "" {
		return unnamed, true
	}
	if reservedName(text) {
		return "_" + text, true
	}
	return text, altered
}

// bidiControl reports the characters that reorder what stands around them:
// with them, invoice<RLO>fdp.exe reads as invoiceexe.pdf.
func bidiControl(r rune) bool {
	switch {
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == 0x061C:
		return true
	}
	return false
}

// invisible reports what takes no room and so can hide a second extension.
func invisible(r rune) bool {
	for _, span := range invisibles {
		if r >= span[0] && r <= span[1] {
			return true
		}
	}
	return false
}

// invisibles are what Unicode lets a renderer ignore, and the line separators.
// The joiners U+200C and U+200D are letters' business in Persian, Hindi and
// emoji, and variation selectors in Mongolian, emoji and Japanese names.
var invisibles = [][2]rune{
	{0xAD, 0xAD}, {0x34F, 0x34F}, {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180E, 0x180E},
	{0x200B, 0x200B}, {0x2028, 0x2029}, {0x2060, 0x2065}, {0x206A, 0x206F},
	{0x3164, 0x3164}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB},
	{0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE00FF}, {0xE01F0, 0xE0FFF},
}

// reservedName reports the device names of Windows, which no file may have,
// with any extension.
func reservedName(text string) bool {
	stem, _, _ := strings.Cut(text, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
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

// shorten cuts the stem, never the extension, at a character's border.
func shorten(text, ext string) string {
	if len(text) <= maxShown {
		return text
	}
	tail := ""
	if ext != "" {
		tail = text[strings.LastIndexByte(text, '.'):]
	}
	return clip(text[:len(text)-len(tail)], maxShown-len(tail)) + tail
}

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
}

var kindNames, cautionNames = names(Kinds), names(Cautions)

func names[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
