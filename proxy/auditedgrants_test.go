package proxy

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAuditedGrantsAreForgottenAfterTheirEnd uses grants as they come, each until its end.
func TestAuditedGrantsAreForgottenAfterTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		used := auditedGrants{uses: map[Grant]*grantUse{}}
		lines := 0
		const life, grants = 10 * time.Minute, 100
		for n := range grants {
			g := Grant{FileID: fmt.Sprint(n), Expires: time.Now().Add(life)}
			for range 20 {
				g.Expires = g.Expires.Local()
				require.NoError(t, used.first(g, func() error { lines++; return nil }))
				g.Expires = g.Expires.UTC()
				require.NoError(t, used.first(g, func() error { lines++; return nil }))
			}
			require.Equal(t, n+1, lines)
			require.LessOrEqual(t, len(used.uses), int((life+2*sweepGrantsEvery)/time.Minute)+1)
			time.Sleep(time.Minute)
		}
	})
}
