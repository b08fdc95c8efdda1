package deliver

import (
	"encoding/json"
	"testing"

	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// A stored record, written by any release or damaged, is either rejected or decoded
// and encoded unchanged.
func FuzzRecord(f *testing.F) {
	whole, err := json.Marshal(proxy.Record{Key: "k", Session: "s", UserID: "u", Name: "a.txt", Size: 3, State: "accepted"})
	require.NoError(f, err)
	f.Add(whole)
	f.Add([]byte(`{"State":"nonsense","Size":-1,"Custom":[{}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, in []byte) {
		record, err := decode(in, 7)
		if err != nil {
			require.Zero(t, record)
			return
		}
		require.EqualValues(t, 7, record.Revision)
		out, err := json.Marshal(record)
		if err != nil {
			return // a year of more than four digits
		}
		again, err := decode(out, 7)
		require.NoError(t, err)
		third, err := json.Marshal(again)
		require.NoError(t, err)
		require.JSONEq(t, string(out), string(third))
	})
}
