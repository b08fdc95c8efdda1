package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/test/chaos/bugs"
	"attache/test/harness"
)

func TestParse_GivenLimitWins(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want time.Duration
	}{
		{"usual", nil, 20 * time.Minute},
		{"full", []string{"-full"}, 150 * time.Minute},
		{"full, given", []string{"-full", "-limit", "20m"}, 20 * time.Minute},
		{"given", []string{"-limit", "5m"}, 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := parse(c.args, io.Discard)
			require.NoError(t, err)
			require.Equal(t, c.want, o.Limit)
		})
	}
}

func TestPlay_KeepsFiguresFromBeforeAnError(t *testing.T) {
	as := func(figures any, passed bool, err error) func(context.Context, *lab, options) (any, bool, error) {
		return func(context.Context, *lab, options) (any, bool, error) { return figures, passed, err }
	}
	l := &lab{log: slog.New(slog.DiscardHandler)}
	r := options{Run: harness.Run{Seed: 7}}.play(t.Context(), l, []part{
		{scenario{"first", stores, as("measured", true, nil)}, bugs.Files},
		{scenario{"second", stores, as("in part", true, errors.New("no space"))}, bugs.Files},
		{scenario{"third", stores, as("never", true, nil)}, bugs.Files},
	})
	require.False(t, r.Passed)
	require.Equal(t, "second files: no space", r.Error)
	require.Equal(t, map[string]any{"first files": "measured", "second files": "in part"}, r.Scenarios)

	r = options{}.play(t.Context(), l, []part{
		{scenario{"first", stores, as("measured", false, nil)}, bugs.Files}, {scenario{"first", stores, as("measured", true, nil)}, bugs.Objects},
	})
	require.False(t, r.Passed)
	require.Empty(t, r.Error)
	require.Len(t, r.Scenarios, 2)
}

func TestChosen_ByNameAndStore(t *testing.T) {
	for _, c := range []struct {
		name, only, store string
		want              []string // or a part of the error
	}{
		{"on both", "rate,kills", "both", []string{"rate files", "rate objects", "kills files", "kills objects"}},
		{"on one", "cuts,checker", "files", []string{"cuts files", "checker files"}},
		{"a cluster has objects", "kills,cluster", "both", []string{"kills files", "kills objects", "cluster objects"}},
		{"a cluster has no files", "kills,cluster", "files", []string{"kills files"}},
		{"nothing", "cluster", "files", []string{"no scenario"}},
		{"no scenario", "kills,hills", "both", []string{"hills"}},
		{"no store", "kills", "tape", []string{"tape"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := parse([]string{"-only", c.only, "-store", c.store}, io.Discard)
			require.NoError(t, err)
			chosen, err := o.chosen()
			if len(chosen) == 0 {
				require.ErrorContains(t, err, c.want[0])
				return
			}
			require.NoError(t, err)
			var names []string
			for _, p := range chosen {
				names = append(names, p.String())
			}
			require.Equal(t, c.want, names)
		})
	}
}
