package guests

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// TestL7RatesRefillAndAreForgotten requests with many attempts for a day.
func TestL7RatesRefillAndAreForgotten(t *testing.T) {
	const every, burst = time.Minute, 8
	synctest.Test(t, func(t *testing.T) {
		asked := NewRates(rate.Every(every), burst, 0)
		for range burst {
			require.True(t, asked.Allow("a", 1))
		}
		ok, first := asked.Try("a", 1)
		require.False(t, ok)
		require.True(t, first)
		_, first = asked.Try("a", 1)
		require.False(t, first, "one refusal is the first")
		require.True(t, asked.Allow("b", 1))
		time.Sleep(every)
		require.True(t, asked.Allow("a", 1))
		_, first = asked.Try("a", 1)
		require.True(t, first)
		for n := range 24 * 60 {
			require.True(t, asked.Allow(fmt.Sprint(n), 1))
			time.Sleep(time.Minute)
			require.LessOrEqual(t, len(asked.byKey), 2*burst+5)
		}
	})
}

func TestT5RatesAreBounded(t *testing.T) {
	const most = 4096
	askers := NewRates(1, 20, most)
	for i := range 3 * most {
		require.True(t, askers.Allow(fmt.Sprint(i), 1))
		require.LessOrEqual(t, len(askers.byKey), most)
	}
}
