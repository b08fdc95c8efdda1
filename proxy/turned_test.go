package proxy

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestT5RefusedDialsAreForgotten(t *testing.T) {
	turned, now := newTurnedAway(), time.Now()
	for i := range 10 * turnedMost {
		turned.note(dialer{fmt.Sprint(i), "x"}, refusedDial{code: bridge.CodeOrigin, at: now})
		require.LessOrEqual(t, len(turned.recent), turnedMost)
	}
	d := dialer{"192.0.2.7", "https://desk.example"}
	turned.note(d, refusedDial{code: bridge.CodeUpgrade, at: now.Add(time.Second)})
	require.Equal(t, bridge.CodeUpgrade, turned.last(d, now.Add(turnedTime)).code)
	require.Zero(t, turned.last(d, now.Add(2*turnedTime)))
	require.Zero(t, turned.last(dialer{"192.0.2.8", d.origin}, now))
}
