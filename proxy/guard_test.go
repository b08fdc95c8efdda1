package proxy

import (
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// However the bytes are split on their way, the guard passes the same ones.
func FuzzT7T8GuardPassesTheSameBytesHoweverCut(f *testing.F) {
	for _, frames := range []string{
		"\x81\x85\x00\x00\x00\x00hello",
		"\x88\x84\x01\x02\x03\x04\x02\xeb\x9b\xfb",                  // a reason that is not UTF-8
		"\x81\xfe\x00\x01\x00\x00\x00\x00x",                         // one byte, its length in two
		"\x82\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00x", // and in eight
		"\x89\x80\x00\x00\x00\x00\x88\x00",
	} {
		f.Add([]byte(frames), uint8(1))
		f.Add([]byte(frames), uint8(3))
	}
	f.Fuzz(func(t *testing.T, frames []byte, size uint8) {
		var whole guard
		passed := whole.pass(frames)
		var cut guard
		seen := 0
		for seen < len(frames) {
			piece := frames[seen:min(len(frames), seen+1+int(size))]
			n := cut.pass(piece)
			seen += n
			if n < len(piece) {
				break
			}
		}
		require.Equal(t, whole.breach, cut.breach)
		require.Equal(t, whole.breach == 0, passed == len(frames))
		require.GreaterOrEqual(t, seen, passed, "a part of the offending frame may have passed before")
		if whole.breach == websocket.StatusInvalidFramePayloadData {
			require.Less(t, seen, len(frames))
		}
	})
}
