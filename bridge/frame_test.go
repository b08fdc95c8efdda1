package bridge_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

type frameVectors struct {
	Frames []struct {
		Name, Key string
		Offset    int64
		Checksum  uint32
		Unchecked bool
		Offer     int
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
			require.Equal(t, tc.Unchecked, f.Unchecked)
			require.Equal(t, tc.Offer, f.Offer)
			if !tc.Unchecked {
				require.Equal(t, tc.Checksum, bridge.Checksum(payload))
			}
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

		if frame.Offer > 0 {
			o, content, err := frame.SplitOffer(payload)
			if err == nil {
				require.Equal(t, frame.Key.String(), o.Key)
				require.Equal(t, int64(len(content)), o.Size)
				require.NotEmpty(t, content)
			} else {
				requireCode(t, err, bridge.CodeFrame, bridge.CodeMessage, bridge.CodeMessageSize, bridge.CodeCustomKey)
			}
		}
		frame.Unchecked = false
		frame.Checksum = bridge.Checksum(payload)
		require.NoError(t, frame.Verify(payload))
		frame.Checksum++
		require.Error(t, frame.Verify(payload))
		frame.Unchecked, frame.Checksum = true, uint32(len(payload))
		require.NoError(t, frame.Verify(payload))
		require.Error(t, frame.Verify(payload[1:]))
	})
}

// A file frame whose offer is about other bytes is refused as a whole.
func TestT7_FileFrame(t *testing.T) {
	key, err := bridge.ParseKey("0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	good := func() *bridge.Offer { return &bridge.Offer{Key: key.String(), Name: "a.txt", Size: 5} }
	acked := int64(0)
	for name, tc := range map[string]struct {
		change func(*bridge.Offer)
		code   bridge.Code
	}{
		"as it should be":   {func(*bridge.Offer) {}, ""},
		"another key":       {func(o *bridge.Offer) { o.Key = strings.Repeat("0", 32) }, bridge.CodeFrame},
		"a larger size":     {func(o *bridge.Offer) { o.Size++ }, bridge.CodeFrame},
		"a smaller size":    {func(o *bridge.Offer) { o.Size-- }, bridge.CodeFrame},
		"bytes are acked":   {func(o *bridge.Offer) { o.Acked = &acked }, bridge.CodeFrame},
		"a name is missing": {func(o *bridge.Offer) { o.Name = "" }, bridge.CodeMessage},
	} {
		t.Run(name, func(t *testing.T) {
			o := good()
			tc.change(o)
			text := bridge.AppendMessage(nil, o)
			f := bridge.Frame{Key: key, Offer: len(text)}
			got, content, err := f.SplitOffer(append(text, "hello"...))
			if tc.code != "" {
				requireCode(t, err, tc.code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, o, got)
			require.Equal(t, "hello", string(content))
		})
	}
	t.Run("another message", func(t *testing.T) {
		text := bridge.AppendMessage(nil, &bridge.Cancel{Key: key.String()})
		_, _, err := bridge.Frame{Key: key, Offer: len(text)}.SplitOffer(append(text, "hello"...))
		requireCode(t, err, bridge.CodeFrame)
	})
}
