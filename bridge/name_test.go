package bridge_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"attache/bridge"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestT23_NameVectors(t *testing.T) {
	var v struct {
		Names []struct {
			Name, Raw, Hex, Type string
			Text, Extension      string
			Kind                 bridge.Kind
			Caution              bridge.Caution
			Changed              bridge.Change
		}
	}
	load(t, "names", &v)
	for _, tc := range v.Names {
		t.Run(tc.Name, func(t *testing.T) {
			raw := []byte(tc.Raw)
			if tc.Hex != "" {
				var err error
				raw, err = hex.DecodeString(tc.Hex)
				require.NoError(t, err)
			}
			want := bridge.Name{Text: tc.Text, Extension: tc.Extension, Kind: tc.Kind, Caution: tc.Caution, Changed: tc.Changed}
			require.Equal(t, want, bridge.SafeName(string(raw), tc.Type))
			requireSafe(t, string(raw), tc.Type)
		})
	}
}

func TestT23_BenignNamesStayUnchanged(t *testing.T) {
	var v struct{ Scripts map[string][]string }
	load(t, "benign", &v)
	require.GreaterOrEqual(t, len(v.Scripts), 20)
	total := 0
	for script, names := range v.Scripts {
		total += len(names)
		t.Run(script, func(t *testing.T) {
			for _, name := range names {
				safe := bridge.SafeName(name, "")
				require.Equal(t, name, safe.Text)
				require.Empty(t, safe.Caution, name)
				require.NoError(t, bridge.CheckName(name))
				requireSafe(t, name, "")
			}
		})
	}
	require.GreaterOrEqual(t, total, 150)
}

// Deceptive characters at every position of everyday names: the shown name must be
// the one without them, with the caution that it was altered.
func TestT23_DeceptionIsRemoved(t *testing.T) {
	deceivers := []string{
		"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069",
		"\u2063", "\u206f", "\ufff9", "\U000e0061", "\U000e0001",
		"\x00", "\x01", "\t", "\n", "\r", "\x1b", "\x7f", "\u0080", "\u009f", "\u2028", "\u2029", "\ufffe", "\uffff",
		"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\u202e\u200b\x00",
	}
	tried := 0
	for _, name := range everyday {
		dot := max(strings.LastIndexByte(name, '.'), 2)
		for _, d := range deceivers {
			for _, at := range []int{0, dot, dot + 1, len(name)} {
				requireTakenOut(t, name, name[:at]+d+name[at:], true)
				tried++
			}
		}
	}
	require.GreaterOrEqual(t, tried, 300)
}

var everyday = []string{"invoice.pdf", "Отчёт.docx", "写真.jpg", "archive.tar.gz", "setup.exe", "no extension"}

func requireTakenOut(t *testing.T, name, raw string, alarm bool) {
	t.Helper()
	clean, safe := bridge.SafeName(name, ""), bridge.SafeName(raw, "")
	require.Equal(t, clean.Text, safe.Text, "%q", raw)
	require.Equal(t, clean.Extension, safe.Extension, "%q", raw)
	if alarm && clean.Caution == "" {
		require.Equal(t, bridge.CautionAltered, safe.Caution, "%q", raw)
	} else {
		require.Equal(t, clean.Caution, safe.Caution, "%q", raw)
	}
	requireSafe(t, raw, "")
}

// Marks that scripts need or that come with copied text raise no caution, except in
// the extension, where no script needs them.
func TestB05_MarksOutsideTheExtensionRaiseNoCaution(t *testing.T) {
	for _, mark := range []string{"\u200e", "\u200f", "\u061c", "\u00ad", "\u200f\u200f"} {
		for _, name := range everyday {
			dot := strings.LastIndexByte(name, '.')
			requireTakenOut(t, name, mark+name, false)
			requireTakenOut(t, name, name+mark, false)
			if dot > 0 {
				requireTakenOut(t, name, name[:dot]+mark+name[dot:], false)
				requireTakenOut(t, name, name[:dot+1]+mark+name[dot+1:], true)
				requireTakenOut(t, name, name[:dot+2]+mark+name[dot+2:], true)
			}
		}
	}
	for _, mark := range []string{"\u200b", "\u2060", "\ufeff", "\u034f"} {
		requireTakenOut(t, "ကျေးဇူး.pdf", "ကျေး"+mark+"ဇူး.pdf", false)
		requireTakenOut(t, "日本.pdf", "日本"+mark+".pdf", false)
		requireTakenOut(t, "invoice.pdf", "in"+mark+"voice.pdf", true)
		requireTakenOut(t, "日本.pdf", "日本.p"+mark+"df", true)
	}
}

// Any two names that look different stay different.
func TestB03_NamesStayDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letter := rapid.SampledFrom([]rune("aA-_é報告書年नमस्तेשלוםمرحبا😀한ไท"))
		stem := []rune(rapid.StringOfN(letter, 60, 250, -1).Draw(t, "stem"))
		ext := rapid.SampledFrom([]string{"", ".pdf", ".docx", ".tar.gz", ".settingcontent-ms"}).Draw(t, "extension")
		at := rapid.IntRange(0, len(stem)-1).Draw(t, "at")
		one := bridge.SafeName(string(stem)+ext, "")
		stem[at] = 'Z'
		other := bridge.SafeName(string(stem)+ext, "")
		require.NotEqual(t, one.Text, other.Text)
		require.Equal(t, one.Extension, other.Extension)
		require.True(t, strings.HasSuffix(one.Text, ext))
		require.LessOrEqual(t, len(one.Text), 255)
		if len(string(stem)+ext) > 255 {
			require.Greater(t, len(other.Text), 200, "no more is cut than must be")
			require.Equal(t, bridge.ChangeShortened, other.Changed)
		}
	})
}

func TestT23_PathsAreRemoved(t *testing.T) {
	for _, path := range []string{"../", "../../", "/", "/etc/", "./", "C:\\", "C:\\a\\", "..\\", "\\\\host\\share\\", "a/b\\c/", "file:///", "https://h/"} {
		for _, name := range []string{"report.pdf", "تقرير.pdf", ".profile", "x.exe"} {
			safe := bridge.SafeName(path+name, "")
			require.Equal(t, name, safe.Text, path)
			require.Contains(t, []bridge.Caution{bridge.CautionPath, bridge.CautionProgram}, safe.Caution, path)
		}
	}
}

// A long name of any script is cut between characters as a reader sees them.
func TestB03_NoMarkIsCutFromItsLetter(t *testing.T) {
	var v struct{ Scripts map[string][]string }
	load(t, "benign", &v)
	for script, names := range v.Scripts {
		for _, name := range names {
			stem := name[:max(strings.LastIndexByte(name, '.'), 0)]
			long := bridge.SafeName(strings.Repeat(stem, 40)+".pdf", "").Text
			if utf8.RuneCountInString(stem) < 4 || !strings.Contains(long, "…") {
				continue // it may be one character as a reader counts them, or is not long
			}
			pieces := strings.Split(long, "…")
			require.Len(t, pieces, 3, script)
			first, _ := utf8.DecodeRuneInString(pieces[2])
			require.False(t, unicode.Is(unicode.M, first), "%s: %q", script, pieces[2])
			require.NotEmpty(t, strings.TrimSuffix(pieces[2], ".pdf"), script)
			require.Greater(t, len(pieces[0]), 100, script)
		}
	}
}

// The promises hold for names made only of characters whose treatment depends on their neighbours.
func TestT23_MarksInAnyOrder(t *testing.T) {
	letter := rapid.SampledFrom([]rune("aא漢क👩1#. :?_\u200c\u200d\ufe0f\u20e3\U0001f3f4\U000e0067\U000e0062\U000e007f\u2066\u2069\u202e\u180e\u180bᠠ\u200b\u00ad\u0301\u2800\ufffd․∕"))
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringOfN(letter, 0, 300, -1).Draw(t, "raw")
		n := bridge.SafeName(raw, "")
		again := bridge.SafeName(n.Text, "")
		require.Equal(t, n.Text, again.Text)
		require.Equal(t, n.Extension, again.Extension)
		require.LessOrEqual(t, len(n.Text), 255)
		require.NotContains(t, n.Text, "\u202e")
	})
}

// Cleaning takes time linear in the length, because a foreign notice or a page may
// send a name of any length. Nothing is timed; in quadratic time the test would not end.
func TestT23_LongNamesTakeLinearTime(t *testing.T) {
	for _, piece := range []string{"::", "\u180e\u180b", "👩\u200d", "\u2068", "ᠠ\u180e\u180b", "\u200f", "․", "x․pdf ", ".", " ", "א\u200c ", "a.exe∕", "x.pdf:"} {
		in := strings.Repeat(piece, 100_000/len(piece))
		require.LessOrEqual(t, len(bridge.SafeName(in, "").Text), 255)
	}
}

// requireSafe checks the promises for every name.
func requireSafe(t testing.TB, raw, mimeType string) {
	t.Helper()
	n := bridge.SafeName(raw, mimeType)
	require.NotEmpty(t, n.Text)
	require.LessOrEqual(t, len(n.Text), 255)
	require.True(t, utf8.ValidString(n.Text))
	require.False(t, strings.ContainsAny(n.Text, `/\:*?"<>|`), "%q", n.Text)
	require.NotContains(t, []string{".", ".."}, n.Text)
	require.Equal(t, strings.TrimSpace(n.Text), n.Text)
	require.False(t, strings.HasSuffix(n.Text, "."), "%q", n.Text)
	for _, r := range n.Text {
		// This uses Unicode's own tables, not the ones of the package.
		require.False(t, unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control,
			unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point) && !allowed(r), "%q holds %U", n.Text, r)
		require.NotContains(t, "\u00ad\u200b\u2060\ufeff\ufffd", string(r), "%q", n.Text)
	}

	require.Equal(t, strings.ToLower(n.Extension), n.Extension)
	require.LessOrEqual(t, len(n.Extension), 32)
	if n.Extension != "" {
		require.True(t, strings.HasSuffix(strings.ToLower(n.Text), "."+n.Extension), "%q shows %q", n.Text, n.Extension)
	}
	require.True(t, slices.Contains(bridge.Kinds, n.Kind))
	require.True(t, n.Caution == "" || slices.Contains(bridge.Cautions, n.Caution))
	require.True(t, n.Changed == "" || slices.Contains(bridge.Changes, n.Changed))
	require.Equal(t, n.Kind == bridge.Program, n.Caution == bridge.CautionProgram)

	again := bridge.SafeName(n.Text, mimeType)
	require.Equal(t, n.Text, again.Text, "it is idempotent")
	require.Equal(t, n.Extension, again.Extension)
	require.Equal(t, n.Kind, again.Kind)
	require.Empty(t, again.Changed)
}

// allowed are noncharacters above the first plane, which no font draws, no desktop
// minds and XML can carry, and the tags of a flag.
func allowed(r rune) bool {
	return r > 0xFFFF && unicode.Is(unicode.Noncharacter_Code_Point, r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		r >= 0xFDD0 && r <= 0xFDEF || r >= 0xE0030 && r <= 0xE007F
}

func TestKindVectors(t *testing.T) {
	var v struct {
		Kinds []struct {
			Extension, Type string
			Kind            bridge.Kind
			Disagree        bool
		}
	}
	load(t, "kinds", &v)
	seen := map[bridge.Kind]bool{}
	for _, tc := range v.Kinds {
		t.Run(tc.Extension+" "+tc.Type, func(t *testing.T) {
			kind, disagree := bridge.KindOf(tc.Extension, tc.Type)
			require.Equal(t, tc.Kind, kind)
			require.Equal(t, tc.Disagree, disagree)
		})
		seen[tc.Kind] = true
	}
	for _, kind := range bridge.Kinds {
		require.True(t, seen[kind], "no vector of kind %s", kind)
	}
}

func TestEveryExtensionHasOneKind(t *testing.T) {
	kinds := map[string]bridge.Kind{}
	for kind, list := range bridge.Extensions {
		require.True(t, slices.Contains(bridge.Kinds, kind))
		for _, ext := range strings.Fields(list) {
			require.Empty(t, kinds[ext], "%s is %s, too", ext, kind)
			require.Equal(t, strings.ToLower(ext), ext)
			kinds[ext] = kind
			have, disagree := bridge.KindOf(ext, "")
			require.Equal(t, kind, have)
			require.False(t, disagree)
		}
	}
}

func TestMimeKinds_LongerPrefixComesFirst(t *testing.T) {
	prefixes, kinds := bridge.MimePrefixes()
	for i, prefix := range prefixes {
		require.Equal(t, strings.ToLower(prefix), prefix)
		kind, _ := bridge.KindOf("", prefix)
		require.Equal(t, kinds[i], kind, "%s is never reached", prefix)
	}
}

func TestCheckName(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want bridge.Code
	}{
		"plain":                       {"report.pdf", ""},
		"one character":               {"a", ""},
		"256 characters of two bytes": {strings.Repeat("é", 256), ""},
		"256 characters of four":      {strings.Repeat("😀", 256), ""},
		"257 characters":              {strings.Repeat("é", 257), bridge.CodeNameLength},
		"4 KB":                        {strings.Repeat("x", 4096), bridge.CodeNameLength},
		"empty":                       {"", bridge.CodeNameInvalid},
		"blanks":                      {" \u3000\t", bridge.CodeNameInvalid},
		"invalid UTF-8":               {"a\xff.pdf", bridge.CodeNameInvalid},
		"half a surrogate pair":       {"a\xed\xa0\x80.pdf", bridge.CodeNameInvalid},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, bridge.CodeOf(bridge.CheckName(tc.raw))) })
	}
}
