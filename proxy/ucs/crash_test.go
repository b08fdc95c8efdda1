package ucs_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/ucs"
)

// An Add that dies between any two effects is continued by another proxy, which adds no second
// file; or what it left is removed, as the delivery does with an upload that was cancelled.
func TestClient_AddSurvivesACrash(t *testing.T) {
	for _, c := range []struct {
		border string
		atOnce bool
		left   int // documents that nobody knows
	}{
		{"begun in UCS", false, 1}, // empty: its id was not written down
		{"filled in UCS", false, 0},
		{"added to UCS", true, 1}, // whole: what add-at-once risks
	} {
		for _, cancelled := range []bool{false, true} {
			w, double, _ := doubled(t, nil)
			open := func() store {
				return w.client(func(o *ucs.ClientOptions) { o.URL, o.Dialect.AddAtOnce = double.URL, c.atOnce })
			}
			content := random(1000)
			d := w.staged(content)
			undo := ucs.OnCrashPoint(func(name string) {
				if name == c.border {
					runtime.Goexit()
				}
			})
			dead := make(chan struct{})
			first := open()
			go func() {
				defer close(dead)
				first.Add(t.Context(), d)
				t.Error("it did not die at", c.border)
			}()
			<-dead
			undo()
			second := open()
			_, err := second.Open(t.Context(), d.ID)
			require.Error(t, err, "until Add has returned, there is no document")
			if cancelled {
				left, err := second.Leftover(t.Context(), d.ID)
				require.NoError(t, err)
				require.Equal(t, c.left == 0, left)
				require.NoError(t, second.Remove(t.Context(), d.ID))
				require.Len(t, double.has(), c.left, "%s: what is known is removed", c.border)
				continue
			}
			id, err := second.Add(t.Context(), d)
			require.NoError(t, err)
			has := double.has()
			require.Equal(t, string(content), has[id])
			delete(has, id)
			require.Len(t, has, c.left)
			for _, other := range has {
				require.Equal(t, c.atOnce, len(other) > 0)
			}
		}
	}
}
