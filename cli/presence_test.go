package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPresenceFlags(t *testing.T) {
	for _, good := range []time.Duration{time.Second, 45 * time.Second, 480 * time.Hour} {
		var m mistakes
		presenceFlags{good, good}.check(&m)
		require.NoError(t, m.err(), good)
	}
	var m mistakes
	presenceFlags{time.Second - 1, 480*time.Hour + 1}.check(&m)
	require.ErrorContains(t, m.err(), "--disconnect-timeout=999.999999ms: it takes 1s to 480h")
	require.ErrorContains(t, m.err(), "--flex-disconnect-timeout=480h0m0.000000001s: it takes 1s to 480h")
}
