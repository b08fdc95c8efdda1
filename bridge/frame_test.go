package bridge_test

import (
	"encoding/hex"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

type frameVectors struct {
	Frames []struct {
		Name, Key string
		Offset    int64
		Checksum  uint32
		Payload   string
		Frame     string
	}
	Refused, Damaged []struct {
		Name, Frame string
		Code        bridge.Code
	}
}

func unhex(t testing.TB, s string) []byte {
	out, err := hex.DecodeString(s)
	require.NoError(t, err)
	return out
}

func TestFrameVectors(t *testing.T) {
	var v frameVectors
	load(t, "frames", &v)
	for _, tc := range v.Frames {
		t.Run(tc.Name, func(t *testing.T) {
			message := unhex(t, tc.Frame)
			f, payload, err := bridge.ParseFrame(message)
			require.NoError(t, err)
			require.Equal(t, tc.Key, f.Key.String())
			require.Equal(t, tc.Offset, f.Offset)
			require.Equal(t, tc.Checksum, f.Checksum)
			require.Equal(t, tc.Payload, hex.EncodeToString(payload))
			require.Equal(t, tc.Checksum, bridge.Checksum(payload))
			require.NoError(t, f.Verify(payload))

			written := append(make([]byte, bridge.FrameHeader), payload...)
			for i := range bridge.FrameHeader {
				written[i] = 0xA5 // a reused buffer
			}
			bridge.PutFrame(written, f)
			require.Equal(t, message, written)
		})
	}
	for _, tc := range v.Refused {
		t.Run("T7 refused: "+tc.Name, func(t *testing.T) {
			_, _, err := bridge.ParseFrame(unhex(t, tc.Frame))
			requireCode(t, err, tc.Code)
		})
	}
	for _, tc := range v.Damaged {
		t.Run("damaged: "+tc.Name, func(t *testing.T) {
			f, payload, err := bridge.ParseFrame(unhex(t, tc.Frame))
			require.NoError(t, err)
			requireCode(t, f.Verify(payload), tc.Code)
		})
	}
}

func TestT7_FrameAtItsBounds(t *testing.T) {
	largest := make([]byte, bridge.FrameHeader+bridge.MaxFrame)
	bridge.PutFrame(largest, bridge.Frame{})
	_, payload, err := bridge.ParseFrame(largest)
	require.NoError(t, err)
	require.Len(t, payload, bridge.MaxFrame)

	_, _, err = bridge.ParseFrame(append(largest, 0))
	requireCode(t, err, bridge.CodeFrame)
}

func TestPutFrame_PanicsOnShortBuffer(t *testing.T) {
	require.Panics(t, func() { bridge.PutFrame(make([]byte, bridge.FrameHeader-1), bridge.Frame{}) })
}

func TestParseKey(t *testing.T) {
	key, err := bridge.ParseKey("0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	require.Equal(t, "0123456789abcdef0123456789abcdef", key.String())
	for name, s := range map[string]string{
		"empty": "", "31 digits": "0123456789abcdef0123456789abcde", "33 digits": "0123456789abcdef0123456789abcdef0",
		"capitals": "0123456789ABCDEF0123456789ABCDEF", "another letter": "g123456789abcdef0123456789abcdef",
		"32 bytes of text": "ééééééééééééééééé"[:32], "a blank": " 123456789abcdef0123456789abcdef", "a prefix": "0x23456789abcdef0123456789abcdef",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bridge.ParseKey(s)
			requireCode(t, err, bridge.CodeMessage)
		})
	}
}

func FuzzFrame(f *testing.F) {
	var v frameVectors
	load(f, "frames", &v)
	for _, tc := range v.Frames {
		f.Add(unhex(f, tc.Frame))
	}
	for _, tc := range v.Refused {
		f.Add(unhex(f, tc.Frame))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		frame, payload, err := bridge.ParseFrame(message)
		if err != nil {
			requireCode(t, err, bridge.CodeFrame)
			return
		}
		require.NotEmpty(t, payload)
		require.GreaterOrEqual(t, frame.Offset, int64(0))
		header := make([]byte, bridge.FrameHeader)
		bridge.PutFrame(header, frame)
		require.Equal(t, message, append(header, payload...))

		frame.Checksum = bridge.Checksum(payload)
		require.NoError(t, frame.Verify(payload))
		frame.Checksum++
		require.Error(t, frame.Verify(payload))
	})
}
