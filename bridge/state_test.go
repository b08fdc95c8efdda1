package bridge_test

import (
	"slices"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestUploadStates(t *testing.T) {
	const (
		offered   = bridge.Offered
		receiving = bridge.Receiving
		accepted  = bridge.Accepted
		scanning  = bridge.Scanning
		stored    = bridge.Stored
		announced = bridge.Announced
		failed    = bridge.Failed
		cancelled = bridge.Cancelled
	)
	next := map[bridge.UploadState][]bridge.UploadState{
		offered:   {offered, receiving, accepted, failed, cancelled},
		receiving: {receiving, accepted, failed, cancelled},
		accepted:  {accepted, scanning, stored, announced, failed, cancelled},
		scanning:  {scanning, stored, announced, failed, cancelled},
		stored:    {stored, announced, failed},
		announced: nil,
		failed:    nil,
		cancelled: nil,
	}
	require.Len(t, next, len(bridge.UploadStates))
	for _, from := range bridge.UploadStates {
		for _, to := range bridge.UploadStates {
			require.Equal(t, slices.Contains(next[from], to), from.May(to), "%s to %s", from, to)
		}
		require.Equal(t, len(next[from]) == 0, from.Final(), "%s", from)
		require.Equal(t, from == offered || from == receiving, from.Incoming(), "%s", from)
	}
}

func TestUnknownStateCanOnlyFail(t *testing.T) {
	for _, to := range bridge.UploadStates {
		require.Equal(t, to == bridge.Failed, bridge.UploadState("lost").May(to))
		require.False(t, to.May("lost"))
	}
}

// Every path of permitted steps goes forward and can end.
func TestUploadStatesNeverGoBack(t *testing.T) {
	order := map[bridge.UploadState]int{}
	for i, s := range bridge.UploadStates {
		order[s] = i
	}
	rapid.Check(t, func(t *rapid.T) {
		state, wasAccepted := bridge.Offered, false
		for range 20 {
			next := rapid.SampledFrom(bridge.UploadStates).Draw(t, "next")
			if !state.May(next) {
				continue
			}
			require.GreaterOrEqual(t, order[next], order[state])
			require.False(t, state.Final())
			require.False(t, wasAccepted && next.Incoming(), "no bytes are requested again")
			state, wasAccepted = next, wasAccepted || next == bridge.Accepted
		}
		require.True(t, state.Final() || state.May(bridge.Failed))
	})
}
