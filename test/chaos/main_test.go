package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/test/harness"
)

func TestParse_GivenLimitWins(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want time.Duration
	}{
		{"usual", nil, 20 * time.Minute},
		{"full", []string{"-full"}, 90 * time.Minute},
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
	r := options{Run: harness.Run{Seed: 7}}.play(t.Context(), l, []scenario{
		{"first", as("measured", true, nil)}, {"second", as("in part", true, errors.New("no space"))}, {"third", as("never", true, nil)},
	})
	require.False(t, r.Passed)
	require.Equal(t, "second: no space", r.Error)
	require.Equal(t, map[string]any{"first": "measured", "second": "in part"}, r.Scenarios)

	r = options{}.play(t.Context(), l, []scenario{{"first", as("measured", false, nil)}, {"second", as("measured", true, nil)}})
	require.False(t, r.Passed)
	require.Empty(t, r.Error)
	require.Len(t, r.Scenarios, 2)
}

func TestChoose_ByName(t *testing.T) {
	chosen, err := harness.Choose(scenarios, "rate,kills")
	require.NoError(t, err)
	require.Equal(t, "rate", chosen[0].name)
	require.Equal(t, "kills", chosen[1].name)
	_, err = harness.Choose(scenarios, "kills,hills")
	require.ErrorContains(t, err, "hills")
}
