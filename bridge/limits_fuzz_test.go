package bridge_test

import (
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

// Limits that are understood can be written and read again alike, and judge any
// file without going beyond what they allow.
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

// The types that a list names can be written as a list again, and allow what they name.
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

// There is a kind for every extension and declared type, and the same each time; the
// type only speaks where the extension says nothing.
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
