package main

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantile(t *testing.T) {
	require.Zero(t, quantile[time.Duration](nil, 0.5))
	require.Nil(t, quantiles[int64](nil, 0, 1))
	require.Equal(t, []int64{1, 9}, quantiles([]int64{9, 1, 5}, 0, 1))
	all := []time.Duration{4, 1, 3, 2}
	require.Equal(t, time.Duration(2), quantile(all, 0.5))
	require.Equal(t, time.Duration(1), quantile(all, 0))
	require.Equal(t, time.Duration(4), quantile(all, 1))
	require.Equal(t, []time.Duration{4, 1, 3, 2}, all, "the caller's order stays")
}

func TestLogUniformCoversEverySize(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	powers := map[int]int{}
	for range 20_000 {
		n := logUniform(random, 1, maxSize)
		require.GreaterOrEqual(t, n, int64(1))
		require.LessOrEqual(t, n, int64(maxSize))
		powers[int(math.Log2(float64(n)))]++
	}
	for power := range 23 {
		require.Greater(t, powers[power], 400, "2^%d", power)
	}
}
