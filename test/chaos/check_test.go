package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// R1: the time to drain counts from the last recovery, whenever sending ended.
func TestR1DrainedCountsFromTheLastRecovery(t *testing.T) {
	for _, c := range []struct {
		name  string
		state bridge.UploadState
		since time.Duration // from the last recovery to now
		late  bool
	}{
		{"settled before the recovery", bridge.Announced, -time.Hour, false},
		{"settled in time", bridge.Announced, settleTimeout / 2, false},
		{"settled, too late", bridge.Announced, time.Hour, true},
		{"open, and late already", bridge.Accepted, time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := newFindings(t.Context())
			found.enough = func() {}
			f := &field{journal: newJournal(), findings: found, drain: settleTimeout}
			f.journal.mean(&intent{key: "a"})
			f.journal.heard("a", &bridge.Upload{Key: "a", State: c.state})
			took := f.drained(t.Context(), nil, at(time.Now().Add(-c.since)))
			require.Equal(t, c.late, took > settleTimeout)
			require.Equal(t, c.late, found.Counts[undrained] == 1)
		})
	}
}

func TestVerify_CutShortRunIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	found := newFindings(ctx)
	f := &field{journal: newJournal(), findings: found, drain: settleTimeout}
	f.journal.mean(&intent{key: "a"})
	require.NoError(t, unjudged(ctx))
	cancel()
	f.drained(ctx, nil, at(time.Now()))
	found.add(lost, "for want of time")
	require.Empty(t, found.Counts)
	require.ErrorIs(t, unjudged(ctx), context.Canceled)
}
