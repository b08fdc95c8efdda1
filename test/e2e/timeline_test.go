package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A sender may be sent only the newest step. The timeline then does not wait for the
// steps before it.
func TestTimelineOfAFileWhoseStepsWereTooQuick(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	tell(d.page, `() => {
		for (const [state, at] of [['offered', 1000], ['announced', 1005]]) {
			const detail = { key: 'k', name: 'quick.txt', extension: 'txt', kind: 'text', sent: 1, stored: 1, total: 1, state, at };
			e2e.chat('customer').dispatchEvent(new CustomEvent('attache-upload', { detail }));
		}
	}`)
	require.Equal(t, "+5 ms", d.station("announced.reached"))
	for _, quick := range []string{"resumed", "stored", "scanned"} {
		require.Equal(t, "–", d.station(quick+".skipped"))
	}
}
