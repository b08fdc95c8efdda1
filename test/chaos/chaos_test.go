package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/test/chaos/bugs"
	"attache/test/harness"
)

// TestMain lets the test binary be what [stage] and [lab] start of themselves.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		fmt.Fprintln(os.Stderr, roles[os.Args[1]](os.Args[2:]))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func testLab(t *testing.T) *lab {
	t.Helper()
	source, err := harness.Source(t.Context())
	require.NoError(t, err)
	l, err := newLab(t.TempDir(), source, 1, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return l
}

// R1 and R19, a slice: make chaos is the whole.
func TestR1NothingIsLostUnderKills(t *testing.T) {
	l := testLab(t)
	var err error
	l.binary, err = l.build(t.Context(), "clean", nil)
	require.NoError(t, err)
	for _, c := range []struct {
		name        string
		store       store
		withBackend bool
	}{
		{"files", bugs.Files, false},
		{"files, with backend and scanner", bugs.Files, true},
		{"objects", bugs.Objects, false},
		{"objects, with backend and scanner", bugs.Objects, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := workload{
				uploads: 40, kills: 6, sessions: 3, senders: 2, maxSize: 2 << 20, pause: 100 * time.Millisecond, cut: 200 * time.Millisecond,
				spoil: 50, belied: 15, oracles: 3, onSight: true, sendTime: time.Minute, drain: settleTimeout, withBackend: c.withBackend,
			}
			if c.withBackend {
				o.infected = 10
			}
			out, err := l.on(c.store).runWorkload(t.Context(), o)
			require.NoError(t, err)
			require.Empty(t, out.Findings.Counts, out.Findings.First)
			require.EqualValues(t, o.uploads, out.Announced+out.Refused)
			require.GreaterOrEqual(t, out.Kills, o.kills)
		})
	}
}

func TestR19PlantedBugsAreCaught(t *testing.T) {
	for _, name := range []string{"ignore-checksum", "announce-twice"} {
		t.Run(name, func(t *testing.T) {
			n := slices.IndexFunc(bugs.List, func(b bugs.Bug) bool { return b.Name == name })
			require.GreaterOrEqual(t, n, 0)
			b := bugs.List[n]
			got, err := testLab(t).on(bugs.Files).notice(t.Context(), b, attempts)
			require.NoError(t, err)
			require.True(t, got.Caught)
		})
	}
}

// That each bug applies to the present source is package bugs' own test.
func TestR19BugsShowKnownFindings(t *testing.T) {
	for _, b := range bugs.List {
		require.Contains(t, append(stores, bugs.AnyStore), b.Store, b.Name)
		if b.Judge != bugs.Kills {
			require.Contains(t, storeTests, b.Judge, b.Name)
			require.Equal(t, bugs.Files, b.Store, "%s: the tests are of the files store", b.Name)
			require.Empty(t, b.Shows, "%s: a test shows no findings", b.Name)
			require.Zero(t, b.Trial, b.Name)
			continue
		}
		require.NotEmpty(t, b.Shows, b.Name)
		for _, name := range b.Shows {
			require.Contains(t, kinds, kind(name), b.Name)
		}
	}
}

func TestFindings_FirstOneEndsTheRun(t *testing.T) {
	var ended int
	ctx, cancel := context.WithCancel(t.Context())
	f := newFindings(ctx)
	f.enough = func() {
		ended++
		cancel()
	}
	f.add(lost, "a")
	f.add(twice, "b")
	require.Equal(t, map[kind]int{lost: 1}, f.Counts)
	require.Equal(t, []string{"lost: a"}, f.First)
	require.Equal(t, 1, ended)
}
