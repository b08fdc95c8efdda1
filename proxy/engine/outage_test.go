package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A disk that takes probes and fails other writes does not end the server four times a second.
func TestNextPause(t *testing.T) {
	t.Parallel()
	require.Zero(t, nextPause(0, 2*calm), "the first outage is probed at once")
	pause := time.Duration(0)
	for range 10 {
		longer := nextPause(pause, time.Second)
		require.True(t, longer > pause || longer == maxBackoff, longer)
		pause = longer
	}
	require.Equal(t, maxBackoff, pause)
	require.Zero(t, nextPause(pause, calm+1))
}
