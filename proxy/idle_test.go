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

// closedWriter counts its Close.
type closedWriter struct {
	Writer
	closed *int
}

func (w closedWriter) Close() error { *w.closed++; return nil }

// TestIdleUploadsAreForgotten begins uploads and uses only one of them.
func TestIdleUploadsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed int
		writer := closedWriter{closed: &closed}
		us := newUploads(nil)
		busy := us.add(Record{Session: "s", Key: "busy"}, writer)
		for n := range 100 {
			us.add(Record{Session: "s", Key: fmt.Sprint("left-", n)}, writer)
		}
		for range 3 {
			time.Sleep(idleTime)
			require.Same(t, busy, us.opened("s/busy"))
			us.add(Record{Session: "s", Key: "last"}, writer)
		}
		require.ElementsMatch(t, []string{"s/busy", "s/last"}, slices.Collect(maps.Keys(us.open)))
		require.Equal(t, 102, closed, "those of the idle uploads, and of the one that was opened three times")
	})
}
