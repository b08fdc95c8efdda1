package main

import (
	"slices"
	"time"
)

// quantile is the value that the part q of all is not above, by nearest rank.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func inMillis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// millis is median, 95th percentile and maximum in milliseconds.
func millis(all []time.Duration) []float64 {
	if len(all) == 0 {
		return nil
	}
	var out []float64
	for _, q := range []float64{0.5, 0.95, 1} {
		out = append(out, inMillis(quantile(all, q)))
	}
	return out
}
