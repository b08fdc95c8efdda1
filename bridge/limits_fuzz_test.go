package bridge_test

import (
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

// Parsed limits survive writing and parsing, and Check allows no file that exceeds
// them.
func FuzzParseLimits(f *testing.F) {
	f.Add(bridge.AppendLimits(nil, bridge.VendorLimits()), "a.txt", int64(1))
	f.Add(bridge.AppendLimits(nil, bridge.Unlimited()), "a", int64(-1))
	f.Add([]byte(`{"maxFiles":1e3}`), "", int64(1<<62))
	f.Fuzz(func(t *testing.T, in []byte, name string, size int64) {
		l, err := bridge.ParseLimits(in)
		if err != nil {
			return
		}
		again, err := bridge.ParseLimits(bridge.AppendLimits(nil, l))
		require.NoError(t, err)
		require.Equal(t, l, again)
		if l.Check(name, size) != nil {
			return
		}
		require.GreaterOrEqual(t, size, int64(0))
		require.True(t, l.MaxFileSize == bridge.NoLimit || size <= l.MaxFileSize)
		require.True(t, l.MaxFiles == bridge.NoLimit || l.UsedFiles < l.MaxFiles)
		require.True(t, l.MaxTotalSize == bridge.NoLimit || size <= l.MaxTotalSize-l.UsedTotalSize)
	})
}

// Parsed types survive writing and parsing, and allow their own extensions.
func FuzzParseTypes(f *testing.F) {
	f.Add("pdf:docx:txt")
	f.Add(".JPG, png")
	f.Add("::, .")
	f.Fuzz(func(t *testing.T, list string) {
		types := bridge.ParseTypes(list)
		require.Equal(t, types, bridge.ParseTypes(strings.Join(types, ":")))
		for _, one := range types {
			require.NotEmpty(t, one)
			require.Equal(t, strings.ToLower(one), one)
		}
	})
}

// Every extension and declared type has a kind, the same each time; the type counts
// only if the extension is unknown.
func FuzzKindOf(f *testing.F) {
	f.Add("pdf", "application/pdf")
	f.Add("EXE", "image/png")
	f.Add("", "text/html; charset=utf-8")
	f.Fuzz(func(t *testing.T, extension, mime string) {
		extension = strings.ToLower(extension)
		kind, disagree := bridge.KindOf(extension, mime)
		require.NotEmpty(t, kind)
		again, same := bridge.KindOf(extension, mime)
		require.Equal(t, kind, again)
		require.Equal(t, disagree, same)
		if byName, _ := bridge.KindOf(extension, ""); byName != bridge.Unknown {
			require.Equal(t, byName, kind)
		}
	})
}
