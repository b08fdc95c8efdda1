package proxy

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// TestL7AttemptsComeBackAndAreForgotten asks with many attempts for a day.
func TestL7AttemptsComeBackAndAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := askedAttempts{of: map[string]*askedAttempt{}}
		for range attemptLinks {
			require.NoError(t, asked.again("a"))
		}
		require.Equal(t, bridge.CodeBusy, bridge.CodeOf(asked.again("a")))
		require.NoError(t, asked.again("b"))
		time.Sleep(attemptEvery)
		require.NoError(t, asked.again("a"))
		require.Error(t, asked.again("a"))
		for n := range 24 * 60 {
			require.NoError(t, asked.again(fmt.Sprint(n)))
			time.Sleep(time.Minute)
			require.LessOrEqual(t, len(asked.of), 2*attemptLinks+5)
		}
	})
}
