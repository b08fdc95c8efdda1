package bridge

import "strings"

// disguised reports whether a clean name looks as if it had an extension other than
// ext, by which a desktop opens the file.
func disguised(text, ext string) bool {
	return looksLike(text, ext) || pushedAside(text, ext) || pageAsDocument(text, ext)
}

// Characters that read as a dot or as a slash.
const (
	dotLike   = "․．﹒。｡·‧ꓸ܁܂𐩐"
	slashLike = "⁄∕⧸／╱＼⧵﹨∖"
)

// looksLike reports whether the name seems to have an extension that it does not
// have: a character only looks like a dot (invoice․pdf), the letters are from another
// alphabet (x.ｐｄｆ), or something like a slash is in it or after it (x.exe∕y).
func looksLike(text, ext string) bool {
	last := strings.LastIndexByte(text, '.')
	if i := strings.LastIndexAny(text, dotLike); i > last && known(text[i:]) {
		return true
	}
	if kindOfExtension(ext) == "" && last >= 0 && known(text[last:]) {
		return true
	}
	for i, r := range text {
		if strings.ContainsRune(slashLike, r) && (last >= 0 && i > last || known(text[:i])) {
			return true
		}
	}
	return false
}

// known reports whether text, after its last character that looks like a dot, looks
// like a known extension.
func known(text string) bool {
	i := strings.LastIndexAny(text, "."+dotLike)
	if i < 0 || len(text)-i > 4*maxExtension {
		return false
	}
	_, tail, _ := strings.Cut(strings.Map(latin, text[i:]), ".")
	return kindOfExtension(strings.ToLower(tail)) != ""
}

// latin returns the ASCII character that r looks like.
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

// pushedAside reports whether a run of blanks pushes the extension out of sight:
// a short run after something that looks like an extension, or any very long one.
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

// pageAsDocument reports whether a web page has a document's extension before its
// own, the usual form of a phishing page: a desktop that hides extensions shows the
// document's.
func pageAsDocument(text, ext string) bool {
	switch ext {
	case "htm", "html", "xhtml", "xht", "shtml", "mht", "mhtml":
	default:
		return false
	}
	switch kindOfExtension(extensionOf(text[:len(text)-len(ext)-1])) {
	case PDF, Document, Sheet, Slides, Image, Audio, Video:
		return true
	}
	return false
}
