package bridge

import (
	"strings"
	"unicode/utf8"
)

// forbidden are the characters that Windows cannot store. A colon opens another
// stream there.
const forbidden = `:*?"<>|`

// treatment is what happens to one character of a name.
type treatment int

const (
	keep    treatment = iota
	drop              // an invisible mark that scripts use, or that came with copied text
	replace           // by "_"
	hide              // drop: only a deceiver puts it there
)

// takeOut removes characters that must not be shown or stored. A mark that scripts
// use is dropped without a caution, except within the extension, where none does.
func (c *cleaned) takeOut() {
	in := make([]rune, 0, len(c.text))
	for rest := c.text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		if r == utf8.RuneError && size == 1 {
			c.hides = true // a byte that is not UTF-8
			continue
		}
		in = append(in, r)
	}
	dot, end := extensionIn(in)
	isolated := isolates(in, dot)
	out := make([]rune, 0, len(in))
	for i := 0; i < len(in); i++ {
		if n := flagLength(in[i:]); n > 0 {
			out = append(out, in[i:i+n]...)
			i += n - 1
			continue
		}
		around := neighbours{out: out, rest: in[i+1:], inside: i > dot && i < end, isolated: isolated[i]}
		switch t := treat(in[i], around); {
		case t == keep:
			out = append(out, in[i])
		case t == replace:
			out = append(out, '_')
			c.characters = true
			if in[i] == ':' {
				c.colon(in[:i], in[i+1:])
			}
		case t == hide, around.inside:
			c.hides = true
		}
	}
	c.text = string(out)
}

// colon distinguishes a drive and the name of a stream (setup.exe:x, x::$DATA) from a
// time of day.
func (c *cleaned) colon(before, after []rune) {
	// It checks no more runes than an extension has, or many colons would cost their square.
	known := kindOfExtension(extensionOf(string(before[max(0, len(before)-maxExtension-2):]))) != ""
	next := string(after[:min(len(after), len("$DATA"))])
	switch {
	case known && !strings.HasPrefix(next, " "), strings.EqualFold(next, "$DATA"):
		c.hides = true
	case len(before) == 1 && next != "" && next[0] != ' ' && (before[0]|0x20) >= 'a' && (before[0]|0x20) <= 'z':
		c.path = true
	}
}

// neighbours are the characters around the one that is treated.
type neighbours struct {
	out      []rune // what was kept of the text before it
	rest     []rune
	inside   bool // it is within the extension
	isolated bool // it is one of a pair of isolates that does not move the extension
}

func (n neighbours) prev() rune {
	if len(n.out) == 0 {
		return 0
	}
	return n.out[len(n.out)-1]
}

func (n neighbours) next() rune {
	if len(n.rest) == 0 {
		return 0
	}
	return n.rest[0]
}

// treat is the table of the characters that a name may have, and where.
func treat(r rune, n neighbours) treatment {
	prev, next := n.prev(), n.next()
	switch {
	case r < 0x20, r >= 0x7F && r < 0xA0, r == 0xFFFE, r == 0xFFFF, r == 0x2028, r == 0x2029:
		return hide
	case r < 0x7F:
		if strings.ContainsRune(forbidden, r) {
			return replace
		}
		return keep
	case r == utf8.RuneError:
		return replace
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		// With them invoice<RLO>fdp.exe reads as invoiceexe.pdf.
		return either(n.isolated, drop, hide)
	case r == 0x200E, r == 0x200F, r == 0x061C, r == 0xAD:
		// Direction marks and soft hyphens; they move no letter.
		return drop
	case r == 0x200C, r == 0x200D:
		return either(joins(r, prev, next, n.inside), keep, drop)
	case r == 0x2800:
		return either(n.inside, hide, keep)
	case selects(r):
		return either(varies(r, prev, next), keep, drop)
	case r == 0xFEFF && len(n.out) == 0:
		return drop // the byte order mark of a copied text
	case within(r, ignorable):
		return either(beyondLatin(prev) || beyondLatin(next), drop, hide)
	case within(r, never):
		return hide
	}
	return keep
}

func either(yes bool, then, otherwise treatment) treatment {
	if yes {
		return then
	}
	return otherwise
}

// joins reports whether a script needs the joiner at this position: after a letter
// of a script that joins (Persian, Indic), before one that it shapes, or between
// the pictures of one emoji.
func joins(r, prev, next rune, inside bool) bool {
	switch {
	case r == 0x200D && within(next, pictures) && (within(prev, pictures) || prev == 0xFE0F):
		return true
	case next == 0, inside && !within(next, joining):
		return false
	}
	return within(prev, joining) || r == 0x200D && within(next, joining)
}

// selects reports whether r is a variation selector, or Mongolian's vowel separator.
func selects(r rune) bool {
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF || r >= 0x180B && r <= 0x180F
}

// varies reports whether a selector follows a character that has variants.
func varies(r, prev, next rune) bool {
	switch {
	case r <= 0x180F:
		return prev >= 0x1820 && prev <= 0x18AF || r == 0x180E && prev >= 0x180B && prev <= 0x180F && prev != r
	case r >= 0xE0100:
		return within(prev, ideographs)
	case prev == '#', prev == '*', prev >= '0' && prev <= '9':
		return r == 0xFE0F && next == 0x20E3 // a keycap
	}
	return within(prev, pictures) || within(prev, ideographs) || within(prev, joining) || prev >= 0x2190 && prev < 0x2C00
}

// flagLength is the length of a region's flag that is written with tags (England,
// Scotland, Texas) and begins at in[0]; 0 if none does. Tags occur nowhere else.
func flagLength(in []rune) int {
	if in[0] != 0x1F3F4 {
		return 0
	}
	for i, r := range in[1:] {
		letter := r >= 0xE0061 && r <= 0xE007A || r >= 0xE0030 && r <= 0xE0039
		switch {
		case r == 0xE007F && i >= 3:
			return i + 2
		case !letter, i >= 6:
			return 0
		}
	}
	return 0
}

// extensionIn returns the positions of the extension's dot and of its last visible
// character; len(in) and -1 if there is no extension.
func extensionIn(in []rune) (dot, end int) {
	end = len(in) - 1
	for end >= 0 && (in[end] == '.' || blank(in[end]) || treat(in[end], neighbours{}) >= drop && !strings.ContainsRune(forbidden, in[end])) {
		end--
	}
	for i := end; i >= 0 && end-i <= 2*maxExtension; i-- {
		switch r := in[i]; {
		case r == '.':
			return i, end
		case blank(r) && r != 0x2800, string(r) == ellipsis:
			return len(in), -1
		}
	}
	return len(in), -1
}

// isolates finds the pairs of isolates that end before the extension begins:
// phones wrap names in them, and they move nothing outside themselves.
func isolates(in []rune, dot int) map[int]bool {
	var open []int
	var pairs map[int]bool
	for i, r := range in {
		switch {
		case r >= 0x2066 && r <= 0x2068:
			open = append(open, i)
		case r == 0x2069 && len(open) > 0:
			last := len(open) - 1
			if i < dot {
				if pairs == nil {
					pairs = map[int]bool{}
				}
				pairs[i], pairs[open[last]] = true, true
			}
			open = open[:last]
		}
	}
	return pairs
}

type spans [][2]rune

func within(r rune, list spans) bool {
	for _, span := range list {
		if r >= span[0] && r <= span[1] {
			return true
		}
	}
	return false
}

// beyondLatin reports whether r is a letter of a script that may need marks.
func beyondLatin(r rune) bool {
	return r >= 0x300 && r < 0xE000 && (r < 0x2000 || r >= 0x2C00) || r >= 0x10000 && r < 0xE0000
}

var (
	// ignorable characters are invisible, and some scripts need them for spelling or
	// line breaks: word joiners and zero-width blanks (Thai, Khmer, Japanese),
	// fillers (Korean), the grapheme joiner (Hebrew), shorthand, notes.
	ignorable = spans{
		{0x34F, 0x34F}, {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x200B, 0x200B}, {0x2060, 0x2060},
		{0x3164, 0x3164}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
	}
	// never are characters that no name needs: invisible operators, deprecated and
	// interlinear format characters, tags outside flags, unassigned ignorable ones.
	never = spans{{0x2061, 0x2065}, {0x206A, 0x206F}, {0xFFF0, 0xFFFB}, {0xE0000, 0xE00FF}, {0xE01F0, 0xE0FFF}}

	// joining covers the blocks of scripts whose letters take joiners: Arabic,
	// Syriac, N'Ko, the Brahmic ones of India and beyond, Mongolian, Adlam.
	joining = spans{
		{0x600, 0x109F}, {0x1780, 0x180A}, {0x1810, 0x18AF}, {0x1900, 0x1CFF}, {0xA800, 0xABFF},
		{0xFB50, 0xFDFF}, {0xFE70, 0xFEFE}, {0x10A00, 0x11FFF}, {0x1E900, 0x1E95F},
	}
	ideographs = spans{{0x2E80, 0x9FFF}, {0xF900, 0xFAFF}, {0xFF00, 0xFF60}, {0x20000, 0x3FFFF}}
	// pictures covers Unicode's Extended_Pictographic and the modifiers.
	pictures = spans{
		{0xA9, 0xA9}, {0xAE, 0xAE}, {0x203C, 0x203C}, {0x2049, 0x2049}, {0x2122, 0x2122}, {0x2139, 0x2139},
		{0x2194, 0x21AA}, {0x231A, 0x23FF}, {0x24C2, 0x24C2}, {0x25AA, 0x25FE}, {0x2600, 0x27BF},
		{0x2934, 0x2935}, {0x2B05, 0x2B55}, {0x3030, 0x3030}, {0x303D, 0x303D}, {0x3297, 0x3299}, {0x1F000, 0x1FAFF},
	}
)
