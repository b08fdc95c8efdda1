package main

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// quantile returns the q-quantile of all, by nearest rank.
func quantile[T cmp.Ordered](all []T, q float64) (value T) {
	if len(all) == 0 {
		return value
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}

// quantiles returns each of these; nil if all is empty.
func quantiles[T cmp.Ordered](all []T, of ...float64) (values []T) {
	if len(all) == 0 {
		return nil
	}
	for _, q := range of {
		values = append(values, quantile(all, q))
	}
	return values
}

func inMillis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// millis returns median, 95th percentile and maximum in milliseconds.
func millis(all []time.Duration) []float64 {
	var out []float64
	for _, d := range quantiles(all, 0.5, 0.95, 1) {
		out = append(out, inMillis(d))
	}
	return out
}
