package objects

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// The headers of a chunk that is read back are refused, or have its position.
func FuzzChunk(f *testing.F) {
	f.Add("0", "0", "1", "", []byte("content"))
	f.Add("983040", "1", "2", "c2hhAw==", []byte{})
	f.Add("-1", "+1", "0x1", "?", []byte{1})
	f.Add("9223372036854775807", "18446744073709551615", "1", "", []byte{1})
	f.Fuzz(func(t *testing.T, offset, number, lease, state string, data []byte) {
		header := nats.Header{headerOffset: {offset}, headerNumber: {number}, headerLease: {lease}, headerSHA256: {state}}
		c, err := parseChunk(&jetstream.RawStreamMsg{Sequence: 3, Header: header, Data: data})
		if err != nil {
			return
		}
		s := c.span()
		require.GreaterOrEqual(t, s.offset, int64(0))
		require.GreaterOrEqual(t, s.end, s.offset, "no chunk ends before it begins")
		end, err := c.tail()
		if err != nil {
			return
		}
		require.NotZero(t, end.chunks, "there is at least one")
		_, _ = end.sum() // a hash that cannot be continued is an error
	})
}

// A document's description that is read back is refused, or has size and digest.
func FuzzDescription(f *testing.F) {
	f.Add([]byte(`{"name":"1","size":3,"digest":"SHA-256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=","metadata":{"TheName":"a","CreationDate":"2026-01-02T03:04:05Z"}}`))
	f.Add([]byte(`{"size":18446744073709551615,"digest":"SHA-256="}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var m meta
		if json.Unmarshal(in, &m.ObjectInfo) != nil {
			return
		}
		d, err := m.document()
		if err == nil {
			require.GreaterOrEqual(t, d.Size, int64(0))
			require.False(t, d.Created.IsZero() && m.Metadata[metaCreated] == "")
		}
	})
}
