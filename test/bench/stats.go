package main

import (
	"math"
	"slices"
)

// spread is the median and the range of some figures.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

// spreadOf summarizes figures; without any, everything is NaN.
func spreadOf(figures []float64) spread {
	if len(figures) == 0 {
		return spread{Median: math.NaN(), Min: math.NaN(), Max: math.NaN()}
	}
	return spread{Median: median(figures), Min: slices.Min(figures), Max: slices.Max(figures), N: len(figures)}
}

// median is the middle figure, or the mean of the two in the middle.
func median(figures []float64) float64 {
	if len(figures) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(figures))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// percentile is the smallest figure that at least p percent of all do not exceed (the
// nearest-rank definition), so it is always a measured one.
func percentile(figures []float64, p float64) float64 {
	if len(figures) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(figures))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// ratios divides round by round. It omits rounds that only one side has, because a
// ratio of figures from different minutes would say more about the machine.
func ratios(dividends, divisors []float64) []float64 {
	n := min(len(dividends), len(divisors))
	quotients := make([]float64, n)
	for i := range n {
		quotients[i] = dividends[i] / divisors[i]
	}
	return quotients
}
