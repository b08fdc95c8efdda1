package proxy

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// TestL7LimitersRefillAndAreForgotten requests with many attempts for a day.
func TestL7LimitersRefillAndAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := newLimiters(rate.Every(attemptEvery), attemptGrants, 0)
		for range attemptGrants {
			require.True(t, asked.allow("a", 1))
		}
		ok, first := asked.try("a", 1)
		require.False(t, ok)
		require.True(t, first)
		_, first = asked.try("a", 1)
		require.False(t, first, "one refusal is the first")
		require.True(t, asked.allow("b", 1))
		time.Sleep(attemptEvery)
		require.True(t, asked.allow("a", 1))
		_, first = asked.try("a", 1)
		require.True(t, first)
		for n := range 24 * 60 {
			require.True(t, asked.allow(fmt.Sprint(n), 1))
			time.Sleep(time.Minute)
			require.LessOrEqual(t, len(asked.byKey), 2*attemptGrants+5)
		}
	})
}

func TestT5LimitersAreBounded(t *testing.T) {
	askers := newLimiters(whyRate, whyBurst, whyMost)
	for i := range 3 * whyMost {
		require.True(t, askers.allow(fmt.Sprint(i), 1))
		require.LessOrEqual(t, len(askers.byKey), whyMost)
	}
}
