package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// L3: a socket whose token has no practical end is not ended at once.
func TestL3TokenWithADistantEndDoesNotExpireAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, end := range []time.Time{time.Unix(253402300799, 0), time.Unix(1<<53-1, 0), time.Now().Add(1<<63 - 1)} {
			require.Greater(t, lifetime(end), 290*365*24*time.Hour, end)
		}
		require.Equal(t, time.Minute+clockSkew, lifetime(time.Now().Add(time.Minute)))
		require.Negative(t, lifetime(time.Now().Add(-time.Hour)))
	})
}
