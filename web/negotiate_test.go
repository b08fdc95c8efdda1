package web

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A coding is used only if the header names it and does not forbid it.
func FuzzAcceptEncoding(f *testing.F) {
	a := &asset{bodies: map[string][]byte{"": {1}, "gzip": {1}, "br": {1}}}
	for _, h := range []string{"gzip, deflate, br", "br;q=0, gzip;q=0.5", "*", "identity", "gzip;q=x", "br ; q = 1", ",,;;="} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, header string) {
		coding := a.negotiate(header)
		require.NotNil(t, a.bodies[coding])
		if coding != "" {
			require.Contains(t, strings.ToLower(header), coding)
		}
		require.Empty(t, (&asset{bodies: map[string][]byte{"": {1}}}).negotiate(header), "only the plain body exists")
	})
}
