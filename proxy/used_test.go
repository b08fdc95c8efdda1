package proxy

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestUsedTicketsAreForgotten uses tickets as they come, each until its end.
func TestUsedTicketsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		used := usedTickets{uses: map[Grant]*ticketUse{}}
		lines := 0
		const life, tickets = 10 * time.Minute, 100
		for n := range tickets {
			g := Grant{FileID: fmt.Sprint(n), Expires: time.Now().Add(life)}
			for range 20 {
				g.Expires = g.Expires.Local()
				require.NoError(t, used.record(g, func() error { lines++; return nil }))
				g.Expires = g.Expires.UTC()
				require.NoError(t, used.record(g, func() error { lines++; return nil }))
			}
			require.Equal(t, n+1, lines)
			require.LessOrEqual(t, len(used.uses), int((life+2*sweepTicketsEvery)/time.Minute)+1)
			time.Sleep(time.Minute)
		}
	})
}
