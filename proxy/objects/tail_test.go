package objects_test

import (
	"crypto/sha256"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/objects"
)

// After a chunk that failed for lack of disk space there may be a smaller one that did not.
// It was never acknowledged, so it is dropped.
func TestChunksAfterAGapAreDropped(t *testing.T) {
	t.Parallel()
	content := random(1000)
	for name, test := range map[string]struct {
		missing []uint64 // chunks, from 0
		end     int
	}{
		"the last but one":    {[]uint64{3}, 300},
		"two before the last": {[]uint64{2, 3}, 200},
		"the first":           {[]uint64{0}, 0},
		"every other":         {[]uint64{1, 3}, 100},
		"none":                {nil, 500},
	} {
		t.Run(name, func(t *testing.T) {
			e := startEngine(t, t.TempDir())
			s := open(t, e, objects.Options{})
			id := s.NewID()
			write(t, begin(t, s, id), content[:500], 100)
			info, err := bucket(t, e).Status(t.Context())
			require.NoError(t, err)
			stream, err := e.JetStream().Stream(t.Context(), info.(*jetstream.ObjectBucketStatus).StreamInfo().Config.Name)
			require.NoError(t, err)
			for _, index := range test.missing {
				require.NoError(t, stream.DeleteMsg(t.Context(), 1+index))
			}

			s = open(t, e, objects.Options{})
			_, _, whole, err := s.Whole(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, test.missing == nil, whole)
			_, err = s.Add(t.Context(), document(id, content[:500]))
			if test.missing != nil {
				require.Equal(t, bridge.CodeDigest, bridge.CodeOf(err), "%v", err)
			} else {
				require.NoError(t, err)
				return
			}
			w := begin(t, s, id)
			require.EqualValues(t, test.end, w.Offset())
			require.Equal(t, sha256.Sum256(content[:test.end]), w.Sum())
			write(t, w, content[test.end:], 100)
			_, err = s.Add(t.Context(), document(id, content))
			require.NoError(t, err)
			require.Equal(t, content, read(t, s, id))
		})
	}
}
