package bayeux

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want Message
	}{
		"everything": {
			`{"channel":"/meta/connect","id":"7","clientId":"abc","connectionType":"websocket","advice":{"timeout":0},"ext":{"ack":3}}`,
			Message{Channel: "/meta/connect", ClientID: "abc", id: json.RawMessage(`"7"`), connectionType: "websocket", timeout: new(int64), Ext: map[string]json.RawMessage{"ack": json.RawMessage("3")}},
		},
		"a number as id":         {`{"id":7}`, Message{id: json.RawMessage("7")}},
		"an object as id":        {`{"id":{}}`, Message{}},
		"null everywhere":        {`{"id":null,"channel":null,"clientId":null,"data":null,"ext":null,"advice":null,"subscription":null,"supportedConnectionTypes":null}`, Message{}},
		"a long id":              {`{"id":"` + strings.Repeat("a", 300) + `"}`, Message{}},
		"broken text in an id":   {"{\"id\":\"a\xff\"}", Message{id: json.RawMessage("\"a\ufffd\"")}},
		"one subscription":       {`{"subscription":"/a"}`, Message{subscriptions: []string{"/a"}}},
		"several":                {`{"subscription":["/a","/b"]}`, Message{subscriptions: []string{"/a", "/b"}}},
		"the minimum counts":     {`{"version":"2.0","minimumVersion":"1.0"}`, Message{version: "1.0"}},
		"advice of a wrong type": {`{"advice":{"timeout":"0"}}`, Message{timeout: new(int64)}},
		"twice the same":         {`{"channel":"/a","channel":"/b"}`, Message{Channel: "/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read([]byte(c.body), 1)
			require.NoError(t, err)
			require.Equal(t, []Message{c.want}, got)
		})
	}
}

func TestAcks(t *testing.T) {
	for text, want := range map[string]bool{
		`true`: true, `{"enabled":true,"batch":3}`: true, `{"enabled":false}`: false, `false`: false, `"true"`: false, `null`: false, `1`: false,
	} {
		m := Message{Ext: map[string]json.RawMessage{"ack": json.RawMessage(text)}}
		require.Equal(t, want, m.wantsAcks(), text)
	}
	require.False(t, Message{}.wantsAcks())
	for text, want := range map[string]int64{`3`: 3, `3.0`: 3, `"4"`: 4, `-1`: -1} {
		n, ok := Message{Ext: map[string]json.RawMessage{"ack": json.RawMessage(text)}}.acked()
		require.True(t, ok, text)
		require.Equal(t, want, n)
	}
	for _, text := range []string{`true`, `null`, `{}`, `1e400`, `"x"`} {
		_, ok := Message{Ext: map[string]json.RawMessage{"ack": json.RawMessage(text)}}.acked()
		require.False(t, ok, text)
	}
}

func TestChannels(t *testing.T) {
	for channel, want := range map[string][2]bool{ // as a channel, as a pattern
		"/a": {true, true}, "/service/chatV2/customer-support": {true, true}, "/service/chatV2/\u0447\u0430\u0442": {true, true},
		"/service/chatV2/a.b%20c": {true, true}, "/a/*": {false, true}, "/a/**": {false, true}, "/*": {false, true},
		"": {}, "/": {}, "a": {}, "//": {}, "/a/": {}, "/a//b": {}, "/*/a": {}, "/a/***": {}, "/a*": {}, "/a\n": {}, "/a\"": {}, "/a<": {},
		"/" + strings.Repeat("a/", 40): {}, "/" + strings.Repeat("a", 600): {},
	} {
		require.Equal(t, want, [2]bool{validChannel(channel, false), validChannel(channel, true)}, channel)
	}
	for _, c := range []struct {
		pattern, channel string
		want             bool
	}{
		{"/a/b", "/a/b", true}, {"/a/*", "/a/b", true}, {"/a/*", "/a/b/c", false}, {"/a/*", "/a", false}, {"/a/**", "/a/b/c", true},
		{"/a/**", "/a", false}, {"/a/**", "/ab/c", false}, {"/**", "/a/b", true}, {"/*", "/a", true}, {"/*", "/a/b", false}, {"/a", "/b", false},
	} {
		require.Equal(t, c.want, matches(c.pattern, c.channel), c)
	}
}

// Whatever comes is read or refused as encoding/json has it, and the reply to it is JSON.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"],"ext":{"ack":true},"id":"1"}]`,
		`{"channel":"/meta/connect","clientId":"x","connectionType":"long-polling","advice":{"timeout":0},"ext":{"ack":12}}`,
		`[{"channel":"/meta/subscribe","subscription":["/a/**","/b"]},{"channel":"/service/a","data":{"a":[1,2,{"b":null}]}}]`,
		`{"id":1e999,"channel":"\ud800"}`, "{\"id\":\"\xff\"}", `[[]]`, `[null]`, `{}`, `[{},{}]`, `{"id":-0}`, `{"Channel":"/a","CHANNEL":"/b"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		messages, err := Read(body, 8)
		objects := objectsOf(body, 8)
		if objects == nil {
			require.Error(t, err)
			require.Empty(t, messages)
			return
		}
		require.NoError(t, err)
		require.Len(t, messages, len(objects))
		for i, m := range messages {
			for name, got := range map[string]string{"channel": m.Channel, "clientId": m.ClientID, "connectionType": m.connectionType} {
				if want, only := objects[i].only(name); only {
					require.Equal(t, want, got, name)
				}
			}
			for _, r := range []reply{m.succeed(), m.unknown(), m.fail("400:" + printable(m.Channel) + ":x")} {
				text := r.text()
				require.True(t, json.Valid(text))
				require.True(t, utf8.Valid(text))
				require.Less(t, len(text), 16<<10)
			}
			m.acked()
			m.wantsAcks()
			validChannel(m.Channel, true)
		}
	})
}

type members map[string]json.RawMessage

// objectsOf are the messages of a body as encoding/json has them: one object, or up to most in an
// array; nil if the body is anything else.
func objectsOf(body []byte, most int) (all []members) {
	var one members
	if json.Unmarshal(body, &one) == nil && one != nil {
		return []members{one}
	}
	if json.Unmarshal(body, &all) != nil || len(all) > most || slices.ContainsFunc(all, func(m members) bool { return m == nil }) {
		return nil
	}
	return all
}

// only returns a member that is a string, if no other differs from its name in case alone.
func (m members) only(name string) (s string, only bool) {
	for other := range m {
		if other != name && strings.EqualFold(other, name) {
			return "", false
		}
	}
	raw, has := m[name]
	return s, has && raw[0] == '"' && json.Unmarshal(raw, &s) == nil
}

// A client that acknowledges what it got gets everything, in order, and once if no answer is
// lost; whatever it acknowledges, nothing is forgotten that it may lack.
func TestQueue_LosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := queue{acks: true}
		next := byte(0)
		var got []byte // in the order of arrival, without repeats
		last := int64(0)
		take := func(arrives bool) {
			texts := q.take()
			if !arrives {
				return
			}
			last = q.batch
			for _, text := range texts {
				if len(got) == 0 || text[0] > got[len(got)-1] {
					got = append(got, text[0])
				}
			}
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				if next < 250 {
					next++
					q.push([]byte{next})
				}
			case 1:
				q.acked(last)
				take(true)
			case 2:
				q.acked(last)
				take(false)
			}
			require.Equal(t, len(q.waiting)+len(q.sent), q.bytes)
		}
		q.acked(last)
		take(true)
		q.acked(last)
		require.True(t, q.empty())
		require.Zero(t, q.bytes)
		for i, b := range got {
			require.EqualValues(t, i+1, b)
		}
		require.Len(t, got, int(next))
	})
}
