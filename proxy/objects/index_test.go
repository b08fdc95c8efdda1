package objects

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drawIndex(t *rapid.T) (x index, size int64) {
	s := span{}
	s.end = rapid.Int64Range(0, 1<<40).Draw(t, "first offset")
	for range rapid.IntRange(1, 50).Draw(t, "chunks") {
		s.seq += rapid.Uint64Range(1, 1<<20).Draw(t, "step")
		s.offset = s.end
		s.end += rapid.SampledFrom([]int64{1, 65536, 983040, 17}).Draw(t, "length")
		x = append(x, s)
	}
	return x, s.end
}

func TestIndex(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x, size := drawIndex(t)
		require.Equal(t, x, decodeIndex(x.encode(), size))
		require.Nil(t, decodeIndex(x.encode(), size+1), "of another object")
		require.Nil(t, decodeIndex(x.encode(), size-1))

		pos := rapid.Int64Range(x[0].offset, size-1).Draw(t, "position")
		at, ok := x.at(pos)
		require.True(t, ok)
		require.True(t, at.holds(pos))
		for _, outside := range []int64{x[0].offset - 1, size} {
			_, ok := x.at(outside)
			require.False(t, ok)
		}

		cut := rapid.IntRange(0, len(x)-1).Draw(t, "cut")
		require.Equal(t, x, x[cut:].after(x[:cut]), "they meet")
		require.Equal(t, x, x[cut:].after(x[:cut+1]), "they share a chunk")
		if cut < len(x)-1 {
			require.Equal(t, x[cut+1:], x[cut+1:].after(x[:cut]), "one in between is missing")
		}
	})
}

func TestIndexStaysSmall(t *testing.T) {
	t.Parallel()
	var x index
	for i := range uint64(1 << 30 / 983040) {
		x = append(x, span{1 + i*30, int64(i) * 983040, int64(i+1) * 983040})
	}
	require.Less(t, len(x.encode()), 1500, "of 1 GiB among thirty others")
	for i := range uint64(1 << 16) {
		x = append(x, span{1 << 20 * (i + 1), x[len(x)-1].end, x[len(x)-1].end + int64(1+i%2)})
	}
	require.Empty(t, x.encode())
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add(index{{1, 0, 10}, {3, 10, 20}}.encode(), int64(20))
	f.Add("AAAA", int64(0))
	f.Fuzz(func(t *testing.T, text string, size int64) {
		x := decodeIndex(text, size)
		for i, s := range x {
			require.Less(t, s.offset, s.end)
			if i > 0 {
				require.Less(t, x[i-1].seq, s.seq)
				require.Equal(t, x[i-1].end, s.offset)
			}
		}
		if x != nil {
			require.Equal(t, size, x[len(x)-1].end)
		}
	})
}
