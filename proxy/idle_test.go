package proxy

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestIdleUploadsAreForgotten begins uploads and uses only one of them.
func TestIdleUploadsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		us := uploads{open: map[string]*upload{}}
		busy := us.add(Record{Session: "s", Key: "busy"}, nil)
		for n := range 100 {
			us.add(Record{Session: "s", Key: fmt.Sprint("left-", n)}, nil)
		}
		for range 3 {
			time.Sleep(idleTime)
			require.Same(t, busy, us.opened("s/busy"))
			us.add(Record{Session: "s", Key: "last"}, nil)
		}
		require.ElementsMatch(t, []string{"s/busy", "s/last"}, slices.Collect(maps.Keys(us.open)))
	})
}
