package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name    string
		figures []float64
		want    float64
	}{
		{"one", []float64{7}, 7},
		{"odd, unsorted", []float64{9, 1, 5}, 5},
		{"even takes the mean of the middle two", []float64{4, 1, 3, 2}, 2.5},
		{"an outlier does not move it", []float64{1, 2, 3, 4, 1e9}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, median(c.figures))
		})
	}
	require.True(t, math.IsNaN(median(nil)))
}

func TestMedian_KeepsTheOrderOfRounds(t *testing.T) {
	figures := []float64{3, 1, 2}
	median(figures)
	percentile(figures, 50)
	require.Equal(t, []float64{3, 1, 2}, figures)
}

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, c := range []struct {
		name    string
		figures []float64
		p       float64
		want    float64
	}{
		{"p95 of a hundred", hundred, 95, 95},
		{"p100 is the largest", hundred, 100, 100},
		{"p0 is the smallest", hundred, 0, 1},
		{"p95 of three is the largest", []float64{3, 1, 2}, 95, 3},
		{"p50 of three", []float64{3, 1, 2}, 50, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, percentile(c.figures, c.p))
		})
	}
	require.True(t, math.IsNaN(percentile(nil, 95)))
}

func TestRatios(t *testing.T) {
	for _, c := range []struct {
		name                string
		dividends, divisors []float64
		want                []float64
	}{
		{"round by round", []float64{4, 9}, []float64{2, 3}, []float64{2, 3}},
		{"an unfinished round is left out", []float64{4, 9, 5}, []float64{2, 3}, []float64{2, 3}},
		{"none", nil, []float64{1}, []float64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, ratios(c.dividends, c.divisors))
		})
	}
}

func TestSpread(t *testing.T) {
	require.Equal(t, spread{Median: 2, Min: 1, Max: 6, N: 3}, spreadOf([]float64{2, 6, 1}))
	none := spreadOf(nil)
	require.True(t, math.IsNaN(none.Median))
	require.Zero(t, none.N)
}
