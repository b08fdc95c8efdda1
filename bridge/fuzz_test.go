package bridge_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

// plain reads one JSON value as encoding/json does.
func plain(t testing.TB, in []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	_, err := d.Token()
	require.ErrorIs(t, err, io.EOF)
	return v
}

func FuzzParse(f *testing.F) {
	for _, message := range malformed {
		if len(message) < 256 {
			f.Add([]byte(message))
		}
	}
	for _, v := range loadMessages(f).Vectors {
		f.Add([]byte(v.Text))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		have, err := bridge.Parse(in)
		if err != nil {
			requireCode(t, err, bridge.CodeMessage)
			return
		}
		require.Equal(t, plain(t, in), have)
		again, err := json.Marshal(have)
		require.NoError(t, err)
		same, err := bridge.Parse(again)
		require.NoError(t, err)
		require.Equal(t, have, same)
	})
}

// FuzzText writes any string; encoding/json must read it.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é😀\u2028", "\xff", "\xed\xa0\x80", "</script>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want strings.Builder // as range sees it: one U+FFFD for each invalid byte
		for _, r := range s {
			want.WriteRune(r)
		}
		out := bridge.AppendText([]byte("x"), s)[1:]
		require.Equal(t, want.String(), plain(t, out))
		have, err := bridge.Parse(out)
		require.NoError(t, err)
		require.Equal(t, want.String(), have)
	})
}

func FuzzFromPage(f *testing.F)  { fuzzMessages(f, "page", bridge.FromPage) }
func FuzzFromProxy(f *testing.F) { fuzzMessages(f, "proxy", bridge.FromProxy) }

func fuzzMessages(f *testing.F, from string, read func([]byte) (bridge.Wire, error)) {
	for _, v := range loadMessages(f).Vectors {
		if v.From == from {
			f.Add([]byte(v.Text))
		}
	}
	for _, tc := range bounds {
		if tc.from == from && len(tc.message) < 512 {
			f.Add([]byte(tc.message))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := read(in)
		if err != nil {
			require.Nil(t, m)
			requireCode(t, err, bridge.CodeMessage, bridge.CodeMessageSize, bridge.CodeCustomKey)
			return
		}
		object := plain(t, in).(map[string]any)
		require.Equal(t, bridge.KindOfMessage(m), object["type"])
		known := append(bridge.Keys(m), "type")
		for key := range object {
			require.Contains(t, known, key)
		}

		out := bridge.AppendMessage(nil, m)
		require.LessOrEqual(t, len(out), len(in))
		again, err := read(out)
		require.NoError(t, err)
		require.Equal(t, m, again)
		for key, value := range plain(t, out).(map[string]any) {
			if _, nested := value.(map[string]any); !nested {
				require.Equal(t, object[key], value)
			}
		}
	})
}

func FuzzEvent(f *testing.F) {
	for _, v := range loadMessages(f).Vectors {
		if event, ok := plain(f, []byte(v.Text)).(map[string]any)["event"]; ok {
			seed, err := json.Marshal(event)
			require.NoError(f, err)
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := bridge.ParseEvent(in)
		if err != nil {
			requireCode(t, err, bridge.CodeMessage, bridge.CodeMessageSize, bridge.CodeCustomKey)
			return
		}
		again, err := bridge.ParseEvent(bridge.AppendEvent(nil, e))
		require.NoError(t, err)
		require.Equal(t, e, again)
		require.True(t, json.Valid(bridge.AppendTranscriptItem(nil, e, "u1")))

		file, err := bridge.DecodeFile(e)
		if err != nil {
			requireCode(t, err, bridge.CodeNotice)
			return
		}
		require.True(t, e.IsFile())
		require.Equal(t, file.Downloadable, file.Reason == "")
		require.GreaterOrEqual(t, file.Size, int64(0))
		require.LessOrEqual(t, file.Size, int64(bridge.MaxInteger))
		require.LessOrEqual(t, len(file.Custom), len(e.Data))
		requireSafe(t, e.Data.Get(bridge.KeyFileName), "")
		if file.Reason != "" {
			require.NotContains(t, ".!?", file.Reason[len(file.Reason)-1:])
		}
	})
}

func FuzzSafeName(f *testing.F) {
	var names struct{ Scripts map[string][]string }
	load(f, "benign", &names)
	for _, list := range names.Scripts {
		f.Add(list[0], "")
	}
	for _, seed := range []string{"a\u202efdp.exe", "../..", "CON.txt", "a.exe. .", strings.Repeat("x", 190) + ".tar.gz", ".exe", "\xff", "a.\u212a", "com¹"} {
		f.Add(seed, "application/zip")
	}
	f.Fuzz(func(t *testing.T, raw, mimeType string) {
		requireSafe(t, raw, mimeType)
		if bridge.CheckName(raw) == nil {
			require.NotErrorIs(t, bridge.Unlimited().Check(raw, 0), bridge.NewError(bridge.CodeFileType, ""))
		}
	})
}
