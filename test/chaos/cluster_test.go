package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// R6: a kind of failover that was never timed is not within its bound.
func TestR6FailoversMustBeTimed(t *testing.T) {
	times := func(n int, each time.Duration) []time.Duration { return slices.Repeat([]time.Duration{each}, n) }
	for _, c := range []struct {
		name           string
		proxies, nodes []time.Duration
		least          int
		want           bool
	}{
		{"nothing", nil, nil, 0, false},
		{"no node", times(20, time.Second), nil, 1, false},
		{"one of each", times(1, time.Second), times(1, time.Second), 1, true},
		{"too few for a percentile", times(19, 4*time.Second), times(19, time.Second), 1, true},
		{"one too few", times(20, time.Second), times(19, time.Second), 20, false},
		{"enough", times(20, time.Second), times(20, 9*time.Second), 20, true},
		{"a slow proxy", times(20, 4*time.Second), times(20, time.Second), 20, false},
		{"a slow node", times(20, time.Second), times(20, 11*time.Second), 20, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, (&failover{proxies: c.proxies, nodes: c.nodes}).timed(c.least))
		})
	}
}

func TestR6SeedRepeatsTheSchedule(t *testing.T) {
	of := func(seed uint64) (all [][]strike) {
		random := (&lab{seed: seed}).random("cluster/kills")
		for range 20 {
			all = append(all, block(random))
		}
		return all
	}
	require.Equal(t, of(1), of(1))
	require.NotEqual(t, of(1), of(2))
	var twos, threes int
	for _, b := range of(1) {
		kinds := map[string]int{}
		for _, s := range b {
			kinds[s.kind]++
			if s.kind == "" && len(s.dying) == 2 {
				twos++
			}
			if s.kind == "" && len(s.dying) == 3 {
				threes++
			}
		}
		require.Equal(t, map[string]int{"proxy": 2, "node": 2, "": 1}, kinds)
	}
	require.Positive(t, twos)
	require.Positive(t, threes)
}
