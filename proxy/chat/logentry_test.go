package chat

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Any message that a log may hold is refused or folded; a folded one can be written and
// read again unchanged.
func FuzzEntry(f *testing.F) {
	for _, in := range []string{
		`{"place":1,"at":5,"op":"a","kind":"event","event":{"id":1,"type":"new-party","at":5,"from":{"userId":"ann","nickname":"Ann","userType":"AGENT"}},"clientVersion":106}`,
		`{"place":2,"at":6,"op":"b","kind":"reserve","userId":"carol","key":"k","name":"a.txt","size":3}`,
		`{"place":3,"at":7,"op":"c","kind":"release","key":"k"}`,
		`{"place":4,"at":8,"op":"d","kind":"attempt","userId":"carol","key":"k","fileId":"9"}`,
		`{"place":5,"at":9,"op":"e","kind":"event","over":true,"event":{"id":5,"type":"party-left","at":9,"from":{"userId":"ann","userType":"AGENT"},"reason":{"code":1}}}`,
		`{"place":1,"kind":"later"}`,
	} {
		f.Add([]byte(in), []byte(in))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		state := newFold()
		for _, in := range [][]byte{first, second} {
			e, err := decode(in)
			if err != nil {
				continue
			}
			state.apply(e)
			_, again, err := e.encode()
			require.NoError(t, err, "a decoded entry can be encoded")
			again.cost, again.seq = e.cost, e.seq
			require.Equal(t, e, again)
		}
		state.ended(state.at, time.Hour)
		used := state.charged(true, "", state.at, time.Hour)
		require.GreaterOrEqual(t, used.files, int64(0))
		state.agentFor(state.present[""], "", true)
	})
}
