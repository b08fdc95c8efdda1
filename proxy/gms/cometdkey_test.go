package gms

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

func TestKeySeal(t *testing.T) {
	k, err := newKeySeal([]byte("secret"))
	require.NoError(t, err)
	other, err := newKeySeal([]byte("another secret"))
	require.NoError(t, err)
	c := keyContents{"session", "user", "key"}
	key := k.seal(c)
	require.NotEqual(t, key, k.seal(c), "two keys of a party do not show that they are")
	require.NotContains(t, key, "session")
	_, ok := other.open(key)
	require.False(t, ok)
	for i := range len(key) {
		_, ok := k.open(key[:i] + string('A'+(key[i]-'A'+1)%26) + key[i+1:])
		require.False(t, ok, "a changed key")
		_, ok = k.open(key[:i])
		require.False(t, ok, "a part of a key")
	}

	for name, d := range map[string]struct {
		call Call
		want *keyContents // nil: refused
	}{
		"the key alone":                          {Call{SecureKey: key}, &c},
		"with what it says":                      {Call{SecureKey: key, ChatID: "session", UserID: "user", Alias: "7"}, &c},
		"with another session":                   {Call{SecureKey: key, ChatID: "s2"}, nil},
		"with another user":                      {Call{SecureKey: key, UserID: "bob"}, nil},
		"a key of REST, named":                   {Call{SecureKey: "plain", ChatID: "s2", UserID: "bob"}, &keyContents{"s2", "bob", "plain"}},
		"a key of REST alone":                    {Call{SecureKey: "plain"}, nil},
		"no key":                                 {Call{}, nil},
		"a key of another secret":                {Call{SecureKey: other.seal(c)}, nil},
		"that, named: for Chat Server to refuse": {Call{SecureKey: "x" + key, ChatID: "session", UserID: "user"}, &keyContents{"session", "user", "x" + key}},
	} {
		t.Run(name, func(t *testing.T) {
			err := k.identify(&d.call)
			if d.want == nil {
				require.Equal(t, bridge.CodeSecureKey, bridge.CodeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, *d.want, keyContents{d.call.ChatID, d.call.UserID, d.call.SecureKey})
		})
	}
}

func TestCallOf(t *testing.T) {
	c, operation, err := callOf(json.RawMessage(`{"operation":"requestChat","nickname":"Ann","userId":12,"alias":"3","secureKey":"k","transcriptPosition":7,
		"userData":{"b":true,"a":5,"n":null,"o":{"x":[1]}},"userData[c]":"d","auth":{"encoded":"eA=="},"subject":null,"chatId":"s","fileId":4}`))
	require.NoError(t, err)
	require.Equal(t, "requestChat", operation)
	require.Equal(t, "12", c.UserID)
	require.Equal(t, "3", c.Alias)
	require.Equal(t, "k", c.SecureKey)
	require.Equal(t, "s", c.ChatID)
	require.Equal(t, "4", c.FileID)
	require.Equal(t, "Ann", c.Params["nickname"])
	require.Equal(t, "7", c.Params["transcriptPosition"])
	require.NotContains(t, c.Params, "subject")
	for key, want := range map[string]string{"a": "5", "b": "true", "c": "d", "n": ""} {
		require.Equal(t, want, c.UserData.Get(key), key)
	}
	require.Equal(t, "1", c.UserData.In("o").Get("x"))
	for _, wrong := range []string{``, `null`, `[]`, `"x"`, `5`, `{`} {
		_, _, err := callOf(json.RawMessage(wrong))
		require.Equal(t, bridge.CodeMessage, bridge.CodeOf(err), wrong)
	}
}

func FuzzCallOf(f *testing.F) {
	for _, s := range []string{`{"operation":"sendMessage","message":"x","userData":{"a":{"b":[1e9]}}}`, `{"operation":1e400}`, `{"userData":"x","userData[":"y"}`, `[]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, err := callOf(data)
		if err != nil {
			require.Equal(t, bridge.CodeMessage, bridge.CodeOf(err))
			return
		}
		require.NotNil(t, c.Params)
	})
}

func TestEnvelopes_AreShortAndWhole(t *testing.T) {
	var s proxy.FlexStatus
	require.Len(t, envelopes(s), 1)
	for i := range 100 {
		s.Transcript.Events = append(s.Transcript.Events, proxy.FlexEvent{Event: bridge.Event{
			ID: int64(2*i + 1), Type: bridge.Message, Text: strings.Repeat("x", 3000),
		}})
	}
	s.Transcript.LastPosition = 777
	parts := envelopes(s)
	require.Greater(t, len(parts), 5)
	next := 0
	for i, part := range parts {
		text, err := json.Marshal(part.Transcript.Events)
		require.NoError(t, err)
		require.Less(t, len(text), 64<<10)
		for _, e := range part.Transcript.Events {
			require.EqualValues(t, 2*next+1, e.ID)
			next++
		}
		if i < len(parts)-1 {
			require.EqualValues(t, 2*next-1, part.Transcript.LastPosition, "whoever gets no more asks from there")
		}
	}
	require.Equal(t, 100, next)
	require.EqualValues(t, 777, parts[len(parts)-1].Transcript.LastPosition)
}
