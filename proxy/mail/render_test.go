package mail

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A name of a backend's party or of an old transcript may hold what no token may.
func TestT52NameIsOnOneLine(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r", "\u2028", "\u2029", "\u0085", "\v"} {
		p := page{Lines: []line{{Time: "10:00", Name: oneLine("Cu: hi" + end + "10:01  Ag"), Text: []string{"a full refund"}}}}
		require.NotContains(t, p.text(), "\n10:01", "%q", end)
	}
}
