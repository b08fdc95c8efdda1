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
)

func TestT23_NameVectors(t *testing.T) {
	var v struct {
		Names []struct {
			Name, Raw, Hex, Type string
			Text, Extension      string
			Kind                 bridge.Kind
			Caution              bridge.Caution
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
			want := bridge.Name{Text: tc.Text, Extension: tc.Extension, Kind: tc.Kind, Caution: tc.Caution}
			require.Equal(t, want, bridge.SafeName(string(raw), tc.Type))
			requireSafe(t, string(raw), tc.Type)
		})
	}
}

func TestT23_BenignNamesStayAsTheyAre(t *testing.T) {
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

// What deceives, put into every place of everyday names: the name shown must be
// the one without it, and say that it was altered.
func TestT23_DeceptionIsTakenOut(t *testing.T) {
	deceivers := []string{
		"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f", "\u061c",
		"\u200b", "\u2060", "\u2063", "\u206f", "\ufeff", "\u00ad", "\u034f", "\u115f", "\u3164", "\uffa0", "\ufff9", "\U000e0061",
		"\x00", "\x01", "\t", "\n", "\r", "\x1b", "\x7f", "\u0080", "\u009f", "\u2028", "\u2029", "\ufffe", "\uffff", "\ufffd",
		"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\u202e\u200b\x00",
	}
	names := []string{"invoice.pdf", "Отчёт.docx", "写真.jpg", "archive.tar.gz", "setup.exe", "no extension"}
	tried := 0
	for _, name := range names {
		dot := max(strings.LastIndexByte(name, '.'), 2)
		clean := bridge.SafeName(name, "")
		for _, d := range deceivers {
			for _, at := range []int{0, dot, dot + 1, len(name)} {
				raw := name[:at] + d + name[at:]
				safe := bridge.SafeName(raw, "")
				require.Equal(t, clean.Text, safe.Text, "%q", raw)
				require.Equal(t, clean.Extension, safe.Extension, "%q", raw)
				require.NotEmpty(t, safe.Caution, "%q", raw)
				requireSafe(t, raw, "")
				tried++
			}
		}
	}
	require.GreaterOrEqual(t, tried, 300)
}

func TestT23_PathsLoseTheirParts(t *testing.T) {
	for _, path := range []string{"../", "../../", "/", "/etc/", "./", "C:\\", "C:\\a\\", "..\\", "\\\\host\\share\\", "a/b\\c/", "file:///", "https://h/"} {
		for _, name := range []string{"report.pdf", "تقرير.pdf", ".profile", "x.exe"} {
			safe := bridge.SafeName(path+name, "")
			require.Equal(t, name, safe.Text, path)
			require.NotEmpty(t, safe.Caution, path)
		}
	}
}

// requireSafe holds what is promised for every name whatsoever.
func requireSafe(t testing.TB, raw, mimeType string) {
	t.Helper()
	n := bridge.SafeName(raw, mimeType)
	require.NotEmpty(t, n.Text)
	require.LessOrEqual(t, len(n.Text), 200)
	require.True(t, utf8.ValidString(n.Text))
	require.False(t, strings.ContainsAny(n.Text, `/\:*?"<>|`), "%q", n.Text)
	require.NotContains(t, []string{".", ".."}, n.Text)
	require.Equal(t, strings.TrimSpace(n.Text), n.Text)
	require.False(t, strings.HasSuffix(n.Text, "."), "%q", n.Text)
	for _, r := range n.Text {
		// Unicode's own tables are the judge here, not the ones of the package.
		require.False(t, unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control,
			unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point) && !allowed(r), "%q holds %U", n.Text, r)
		require.NotContains(t, "\u00ad\u200b\u2060\ufeff\u180e\ufffd", string(r), "%q", n.Text)
	}

	require.Equal(t, strings.ToLower(n.Extension), n.Extension)
	require.LessOrEqual(t, len(n.Extension), 32)
	if n.Extension != "" {
		require.True(t, strings.HasSuffix(strings.ToLower(n.Text), "."+n.Extension), "%q shows %q", n.Text, n.Extension)
	}
	require.True(t, slices.Contains(bridge.Kinds, n.Kind))
	require.True(t, n.Caution == "" || slices.Contains(bridge.Cautions, n.Caution))
	require.Equal(t, n.Kind == bridge.Program, n.Caution == bridge.CautionProgram)

	again := bridge.SafeName(n.Text, mimeType)
	require.Equal(t, n.Text, again.Text, "it is idempotent")
	require.Equal(t, n.Extension, again.Extension)
	require.Equal(t, n.Kind, again.Kind)
}

// allowed are noncharacters beyond the first plane: no font draws them, no
// desktop cares, and XML carries them.
func allowed(r rune) bool {
	return r > 0xFFFF && unicode.Is(unicode.Noncharacter_Code_Point, r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		r >= 0xFDD0 && r <= 0xFDEF
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

func TestNoDeclaredTypeHidesBehindAShorterOne(t *testing.T) {
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
