package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestNobodyMaySendWhatTheScannerRefuses(t *testing.T) {
	const most = 25 << 20
	for name, c := range map[string]struct {
		mode      string
		size, got int64
	}{
		"no limit":            {"strict", bridge.NoLimit, most},
		"a larger one":        {"strict", most + 1, most},
		"a smaller one":       {"strict", 2 << 20, 2 << 20},
		"uploads are off":     {"strict", 0, 0},
		"the scanner is off":  {"off", bridge.NoLimit, bridge.NoLimit},
		"the scanner is off ": {"off", most + 1, most + 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := scannerFlags{Scanner: c.mode, ScanMaxSize: most}.bound(bridge.Limits{MaxFileSize: c.size})
			require.Equal(t, c.got, got.MaxFileSize)
		})
	}
}
