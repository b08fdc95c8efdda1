package proxy

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestT5RefusedDialsAreForgotten(t *testing.T) {
	refused, now := newRefusedDials(), time.Now()
	for i := range 10 * refusedMost {
		refused.note(dialer{fmt.Sprint(i), "x"}, refusedDial{code: bridge.CodeOrigin, at: now})
		require.LessOrEqual(t, len(refused.recent), refusedMost)
	}
	d := dialer{"192.0.2.7", "https://desk.example"}
	refused.note(d, refusedDial{code: bridge.CodeUpgrade, at: now.Add(time.Second)})
	require.Equal(t, bridge.CodeUpgrade, refused.last(d, now.Add(refusedTime)).code)
	require.Zero(t, refused.last(d, now.Add(2*refusedTime)))
	require.Zero(t, refused.last(dialer{"192.0.2.8", d.origin}, now))
}
