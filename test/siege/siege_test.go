package main

import (
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/test/harness"
)

// TestMain lets [assault] start the test binary as an attacker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == attackCommand {
		if err := runAttack(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// timed are the figures that depend on the machine's load. Tests do not assert them.
var timed = map[string]bool{uploadP99: true, longestSilence: true, goodFailed: true, refusedShare: true}

// T5, T6, T19, T20, H1 and H5, a slice of `make siege`: the figures that do not
// depend on the machine's speed.
func TestT5T6TheCommandHoldsUnderSiege(t *testing.T) {
	l, err := newLab(t.Context(), options{Run: harness.Run{Seed: 1, Dir: t.TempDir()}, time: time.Second, size: 0.5}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	for name, more := range map[string][]bound{
		"pings":       {{goroutinesPeak, 600}}, // 154,000 where each ping costs one
		"fragments":   nil,
		"frames":      {{stored, 40}},
		"waiting":     nil,
		"descriptors": nil,
		"half-frames": nil,
		"sockets":     {{goroutinesPeak, 1500}}, // 750 sockets, each of four
		"disk":        nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chosen, err := harness.Choose(rows, name)
			require.NoError(t, err)
			row := chosen[0]
			var kept []bound
			for _, b := range append(row.bounds, more...) {
				if !timed[b.figure] {
					kept = append(kept, b)
				}
			}
			row.bounds = kept
			if row.volume > 0 {
				row.volume = 64 // a slice of it is full within the second
			}
			out, err := l.play(t.Context(), row)
			if errors.Is(err, errMount) {
				t.Skip(err)
			}
			require.NoError(t, err)
			require.Empty(t, out.Failed, out.Figures)
			require.NotZero(t, out.Figures["newcomers"]+out.Figures["uploads"], "good users worked at the same time")
			require.NotZero(t, out.Figures[spoken], "a good user has sent a text")
		})
	}
}

// A figure that is missing is not within its bound.
func TestJudge_MissingOrHighFiguresFail(t *testing.T) {
	r := row{name: "x", bounds: []bound{{peakRSS, 100}, {socketMemory, 10}, {uploadP99, 150}}}
	out := r.judge(map[string]float64{peakRSS: 100, socketMemory: 11}, nil)
	require.False(t, out.Passed)
	require.Equal(t, []string{"socketMemoryMB is 11, at most 10", "uploadP99Ms is 0, at most 150"}, out.Failed)
	require.Equal(t, 3.0, percentile([]time.Duration{3 * time.Millisecond, time.Millisecond, 2 * time.Millisecond}, 99))
}

// A row that is played twice has the same number of attackers the second time.
func TestPrepare_LeavesTheRowUnchanged(t *testing.T) {
	l, err := newLab(t.Context(), options{size: 0.5, attache: "unused"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	planned := []attack{{Kind: "pings", Number: 4, Parties: 1}}
	for range 2 {
		attacks, err := l.prepare(planned, &target{addr: "127.0.0.1:1"})
		require.NoError(t, err)
		require.Equal(t, 2, attacks[0].Number)
		require.Len(t, attacks[0].Tokens, 1)
	}
}

func TestRows_HaveUniqueNamesAndKnownAttacks(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		require.False(t, seen[r.name], r.name)
		seen[r.name] = true
		for _, a := range r.attacks {
			require.Contains(t, kinds, a.Kind, r.name)
		}
	}
	_, err := harness.Choose(rows, "none,nothing")
	require.ErrorContains(t, err, `"nothing" is none of`)
}
