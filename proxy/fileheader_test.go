package proxy

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzT27AnyNameSurvivesTheHeader reads the header as a browser does: one name,
// the one that was sent.
func FuzzT27AnyNameSurvivesTheHeader(f *testing.F) {
	for _, name := range []string{
		"report.pdf", "", `a"; filename="b.exe`, "a\r\nSet-Cookie: x=y", "a\x00.txt", `back\slash`, "100%41.txt", "a;b=c",
		"二〇二六年度报告.csv", "دليل.docx", "a'b''c.txt", "\u202efdp.exe", "smile 😀",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) {
			return // bridge.SafeName lets none pass
		}
		header := disposition(name)
		require.False(t, strings.ContainsFunc(header, func(r rune) bool { return r < 0x20 || r > 0x7e }), header)
		kind, parameters, err := mime.ParseMediaType(header)
		require.NoError(t, err, header)
		require.Equal(t, "attachment", kind)
		require.Equal(t, map[string]string{"filename": name}, parameters)
	})
}
