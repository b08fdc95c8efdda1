package ucs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// readBoth reads a message with small and large pieces, which must not differ.
func readBoth(t testing.TB, text string) (m message, content []byte, err error) {
	t.Helper()
	read := func(in io.Reader) (message, []byte, error) {
		var content []byte
		r := messageReader{groups: []string{"", groupParameters, groupUserData}, content: func(_ message, in io.Reader) (err error) {
			content, err = io.ReadAll(in)
			return err
		}}
		m, err := r.read(in)
		return m, content, err
	}
	m, content, err = read(strings.NewReader(text))
	slow, piecewise, failed := read(iotest.OneByteReader(strings.NewReader(text)))
	require.Equal(t, err == nil, failed == nil, "%v, %v", err, failed)
	if err == nil {
		require.Equal(t, m, slow)
		require.Equal(t, content, piecewise)
	}
	return m, content, err
}

// Whatever the stream reads, encoding/json reads in the same way; it reads less, because it
// refuses duplicates and broken UTF-8.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"Parameters":{"Content":"aGVsbG8=","TheSize":5},"UserData":{}}`, `{"Content":"aGVs\r\nbG8","TheSize":"5"}`,
		`{"Parameters":{"TheName":"\ud83d\ude00\u00e9\"\\","x":[1,-2.5e3,null,true,{"a":[]}]}} `, `{"Content":"-_-_"}`, `{"Content":null}`,
		`{"a":01}`, `{"a":1.}`, `{"a":"\ud800"}`, `{"a":tru}`, "{\"a\":\"\x01\"}", `{"Content":"aGVs`, `{"a":1,}`, `[]`, `{"a" 1}`, `{"a":1}}`,
		"\ufeff{}", "\ufeff\ufeff{}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		m, content, err := readBoth(t, in)
		if err != nil {
			return
		}
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(strings.TrimPrefix(in, "\ufeff")))
		d.UseNumber()
		require.NoError(t, d.Decode(&want), "%q", in)
		same := func(group string, members map[string]any) {
			for name, v := range m[group] {
				switch v.kind {
				case text:
					require.Equal(t, members[name], v.text)
				case number:
					require.Equal(t, members[name], json.Number(v.text))
				case logical:
					require.Equal(t, members[name], v.text == "true")
				case absent:
					require.Nil(t, members[name])
				}
			}
		}
		same("", want)
		for _, group := range []string{groupParameters, groupUserData} {
			if members, ok := want[group].(map[string]any); ok {
				same(group, members)
			}
		}
		if s, ok := want[memberContent].(string); ok && !hasContent(want) {
			clean := strings.NewReplacer("\r", "", "\n", "", " ", "", "\t", "", "-", "+", "_", "/").Replace(s)
			decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(clean, "="))
			require.NoError(t, err)
			require.Equal(t, string(decoded), string(content))
		}
	})
}

// hasContent reports whether a group has content too.
func hasContent(m map[string]any) bool {
	for _, group := range []string{groupParameters, groupUserData} {
		if members, ok := m[group].(map[string]any); ok && members[memberContent] != nil {
			return true
		}
	}
	return false
}

// FuzzOutgoing writes a message in every dialect and reads it again.
func FuzzOutgoing(f *testing.F) {
	f.Add("a\"\u2028.txt", []byte("hello"), uint8(0))
	f.Add("", []byte{}, uint8(4))
	f.Add("ü", bytes.Repeat([]byte{0xfb}, 57*3), uint8(9))
	f.Fuzz(func(t *testing.T, name string, content []byte, dialect uint8) {
		name = strings.ToValidUTF8(name, "")
		variants := []Base64{Base64Std, Base64URL, Base64Raw, Base64RawURL, Base64Lines}
		d := Dialect{Base64: variants[dialect%5], ContentFirst: dialect/5%2 == 1}
		group := []string{"", groupParameters}[dialect/10%2]
		out, err := newOutgoing(group, []member{{memberName, name}, {memberSize, int64(len(content))}}, bytes.NewReader(content), int64(len(content)), d)
		require.NoError(t, err)
		var b strings.Builder
		n, err := out.WriteTo(&b)
		require.NoError(t, err)
		require.EqualValues(t, b.Len(), n)
		require.Equal(t, n, out.length())
		m, read, err := readBoth(t, b.String())
		require.NoError(t, err, b.String())
		require.Equal(t, string(content), string(read))
		got, err := m.text(memberName)
		require.NoError(t, err)
		require.Equal(t, name, *got)
		size, err := m.size(memberSize)
		require.NoError(t, err)
		require.EqualValues(t, len(content), *size)
	})
}

func TestMessage_MayBeginWithAByteOrderMark(t *testing.T) {
	m, content, err := readBoth(t, "\ufeff"+`{"TheName":"a","Content":"aGk="}`)
	require.NoError(t, err)
	require.Equal(t, "a", m[""]["TheName"].text)
	require.Equal(t, "hi", string(content))
}

// Content that is larger than every bound of the rest passes, and what is not read is an error.
func TestMessage_ContentHasNoBound(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	out, err := newOutgoing(groupParameters, []member{{memberName, "a"}}, io.LimitReader(zeros{}, size), size, Dialect{})
	require.NoError(t, err)
	in, w := io.Pipe()
	go func() { _, err := out.WriteTo(w); w.CloseWithError(err) }()
	var n int64
	_, err = messageReader{groups: []string{groupParameters}, content: func(_ message, in io.Reader) (err error) {
		n, err = io.Copy(io.Discard, in)
		return err
	}}.read(in)
	require.NoError(t, err)
	require.EqualValues(t, size, n)

	stop := errors.New("no more")
	_, err = messageReader{groups: []string{""}, content: func(message, io.Reader) error { return stop }}.read(strings.NewReader(`{"Content":"aGVs"}`))
	require.ErrorIs(t, err, stop)
	_, err = messageReader{groups: []string{""}, content: func(message, io.Reader) error { return nil }}.read(strings.NewReader(`{"Content":"aGVs"}`))
	require.ErrorContains(t, err, "not read")
	_, err = messageReader{groups: []string{""}}.read(strings.NewReader(`{"a":"` + strings.Repeat("x", maxMessage) + `"}`))
	require.ErrorIs(t, err, errTooLarge)
	short, err := newOutgoing("", nil, strings.NewReader("abc"), 4, Dialect{})
	require.NoError(t, err)
	_, err = short.WriteTo(io.Discard)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
