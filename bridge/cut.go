package bridge

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shorten cuts a name that is too long for file systems and reports whether it did.
// Both ends stay, with a checksum of the whole between them: names that differ
// anywhere stay different. The extension is never cut.
func shorten(text, ext string) (string, bool) {
	if len(text) <= maxShown {
		return text, false
	}
	stem, suffix := text, ""
	if ext != "" {
		dot := strings.LastIndexByte(text, '.')
		stem, suffix = text[:dot], text[dot:]
	}
	sum := strconv.FormatUint(1<<32|uint64(Checksum([]byte(text))), 16)[1:] // eight digits
	mark := ellipsis + sum + ellipsis
	left := maxShown - len(mark) - len(suffix)
	tail := len(stem) - left/3
	for tail < len(stem) && !border(stem, tail) {
		tail++
	}
	head := left - (len(stem) - tail)
	for head > 0 && !border(stem, head) {
		head--
	}
	return stem[:head] + mark + stem[tail:] + suffix, true
}

// border reports whether text may be cut before byte i: not within a character,
// nor between a letter and its combining marks.
func border(text string, i int) bool {
	if !utf8.RuneStart(text[i]) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(text[i:])
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	switch {
	case unicode.Is(unicode.M, r), r == 0x200C, r == 0x200D, selects(r), r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0000 && r <= 0xE0FFF:
		return false
	}
	return before != 0x200C && before != 0x200D
}
