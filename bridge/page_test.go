package bridge_test

import (
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

// The exact text that the module hands to JavaScript: web/test reads the same vectors
// as its types describe them.
func TestPageVectors(t *testing.T) {
	var v struct {
		Entries []struct{ Name, Event, Self, Page string }
		Steps   []struct {
			Name           string
			Step           bridge.Step
			Event, Self    string
			Page, Progress string
		}
		Welcomes []struct{ Name, Message, Page, Limits string }
		Found    []struct{ Name, Message, Page string }
		Names    []struct {
			Name bridge.Name
			Page string
		}
	}
	load(t, "page", &v)
	for _, tc := range v.Entries {
		t.Run(tc.Name, func(t *testing.T) {
			e, err := bridge.ParseEvent([]byte(tc.Event))
			require.NoError(t, err)
			require.Equal(t, tc.Page, string(bridge.AppendTranscriptItem(nil, e, tc.Self)))
		})
	}
	for _, tc := range v.Steps {
		t.Run(tc.Name, func(t *testing.T) {
			if tc.Event != "" {
				e, err := bridge.ParseEvent([]byte(tc.Event))
				require.NoError(t, err)
				tc.Step.Event = &e
			}
			require.Equal(t, tc.Page, string(bridge.AppendStep(nil, tc.Step, tc.Self)))
			require.Equal(t, tc.Progress, string(bridge.AppendProgress(nil, tc.Step)))
		})
	}
	for _, tc := range v.Welcomes {
		t.Run(tc.Name, func(t *testing.T) {
			m, err := bridge.FromProxy([]byte(tc.Message))
			require.NoError(t, err)
			welcome := m.(*bridge.Welcome)
			require.Equal(t, tc.Page, string(bridge.AppendSessionInfo(nil, welcome)))
			require.Equal(t, tc.Limits, string(bridge.AppendLimits(nil, welcome.Limits)))
			require.Contains(t, tc.Page, `,"info":`+string(bridge.AppendChatInfo(nil, welcome))+`}`)

			limits, err := bridge.ParseLimits([]byte(tc.Limits))
			require.NoError(t, err, "what a page holds comes back to check a file")
			require.Equal(t, welcome.Limits, limits)
		})
	}
	for _, tc := range v.Found {
		m, err := bridge.FromProxy([]byte(tc.Message))
		require.NoError(t, err, tc.Name)
		require.Equal(t, tc.Page, string(bridge.AppendFound(nil, m.(*bridge.Found))), tc.Name)
	}
	for _, tc := range v.Names {
		require.Equal(t, tc.Page, string(bridge.AppendFileName(nil, tc.Name)))
	}
}
