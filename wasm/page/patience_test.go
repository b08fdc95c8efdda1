//go:build !js

package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestPatienceIsTheModules(t *testing.T) {
	var begin time.Time
	for _, c := range []struct {
		name   string
		module bool
		begun  bool
		tries  int
		after  time.Duration // since the first of these
		code   bridge.Code
		want   bool
	}{
		{"away, at once", true, false, 0, 0, bridge.CodeStorageUnavailable, true},
		{"away, before the first accept", true, false, 9, firstPatience - 1, bridge.CodeChatUnavailable, true},
		{"away for too long", true, false, 9, firstPatience, bridge.CodeChatUnavailable, false},
		{"away, after it", true, true, 99, patience - 1, bridge.CodeBusy, true},
		{"away for far too long", true, true, 99, patience, bridge.CodeTimeout, false},
		{"full, before the first accept", true, false, 0, 0, bridge.CodeStorageFull, false},
		{"full, after it", true, true, mostTries - 1, 0, bridge.CodeStorageFull, true},
		{"full too often", true, true, mostTries, 0, bridge.CodeStorageFull, false},
		{"for good", true, true, 0, 0, bridge.CodeUploadConflict, false},
		{"whoever waits for all", false, false, 99, time.Hour, bridge.CodeStorageFull, true},
		{"whoever waits, for good", false, true, 0, 0, bridge.CodeUploadConflict, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := &Upload{trial: trial{module: c.module, begun: c.begun, tries: c.tries, since: begin}}
			require.Equal(t, c.want, u.trial.bears(bridge.NewError(c.code, ""), begin.Add(c.after)))
			if !c.want {
				require.Equal(t, c.tries, u.trial.tries)
			} else if c.module {
				require.Equal(t, c.tries+1, u.trial.tries)
				require.LessOrEqual(t, u.trial.wait, longestWait)
				require.GreaterOrEqual(t, u.trial.wait, firstWait/2)
			}
		})
	}
}

func TestARefusalTooManyIsAFailure(t *testing.T) {
	u := &Upload{trial: trial{module: true}}
	left, err := u.refused(bridge.NewError(bridge.CodeBusy, ""))
	require.False(t, left)
	require.ErrorIs(t, err, errAgain)
	left, err = u.refused(bridge.NewError(bridge.CodeInternal, ""))
	require.True(t, left)
	require.NoError(t, err)
	require.Equal(t, bridge.Failed, u.State)
	require.Equal(t, bridge.CodeInternal, u.Code)
}
