package bridge

import "strings"

// misleads reports a clean name that reads as if it had another extension than
// ext, which is the one that a desktop goes by.
func misleads(text, ext string) bool {
	return looksLike(text, ext) || pushedAside(text, ext) || pageAsDocument(text, ext)
}

// Characters that read as a dot or as a slash.
const (
	dotLike   = "․．﹒。｡·‧ꓸ܁܂𐩐"
	slashLike = "⁄∕⧸／╱＼⧵﹨∖"
)

// looksLike reports an extension that only seems to be one: its dot is none
// (invoice․pdf), its letters are of another alphabet (x.ｐｄｆ), or what reads as a
// slash stands in it or after it (x.exe∕y).
func looksLike(text, ext string) bool {
	last := strings.LastIndexByte(text, '.')
	if i := strings.LastIndexAny(text, dotLike); i > last && known(text[i:]) {
		return true
	}
	if _, exact := kindOfExtension[ext]; !exact && last >= 0 && known(text[last:]) {
		return true
	}
	for i, r := range text {
		if strings.ContainsRune(slashLike, r) && (last >= 0 && i > last || known(text[:i])) {
			return true
		}
	}
	return false
}

// known reports whether what follows the last character of text that reads as a
// dot reads as a known extension.
func known(text string) bool {
	i := strings.LastIndexAny(text, "."+dotLike)
	if i < 0 || len(text)-i > 4*maxExtension {
		return false
	}
	_, tail, _ := strings.Cut(strings.Map(latin, text[i:]), ".")
	_, ok := kindOfExtension[strings.ToLower(tail)]
	return ok
}

// latin is the ASCII character that r reads as.
func latin(r rune) rune {
	const cyrillic, letters = "асеорхуіјѕԁһԛԝАВСЕНІЈКМОРЅТХ", "aceopxyijsdhqwABCEHIJKMOPSTX"
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFF01 + '!'
	case strings.ContainsRune(dotLike, r):
		return '.'
	}
	at := 0
	for _, c := range cyrillic {
		if c == r {
			return rune(letters[at])
		}
		at++
	}
	return r
}

// pushedAside reports a row of blanks that pushes the extension out of sight:
// any after something that reads as one, or a very long one.
func pushedAside(text, ext string) bool {
	const some, many = 3, 16
	run, from := 0, 0
	for i, r := range text {
		if !blank(r) {
			run = 0
			continue
		}
		if run == 0 {
			from = i
		}
		run++
		if run >= many || run == some && known(text[:from]) && !strings.HasSuffix(strings.ToLower(text[:from]), "."+ext) {
			return true
		}
	}
	return false
}

// pageAsDocument reports a web page that calls itself a document first: the
// usual form of a false login page. A desktop that hides extensions shows the rest.
func pageAsDocument(text, ext string) bool {
	switch ext {
	case "htm", "html", "xhtml", "xht", "shtml", "mht", "mhtml":
	default:
		return false
	}
	switch kindOfExtension[extensionOf(text[:len(text)-len(ext)-1])] {
	case PDF, Document, Sheet, Slides, Image, Audio, Video:
		return true
	}
	return false
}
