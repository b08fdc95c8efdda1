package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestConnectOverTheBorder(t *testing.T) {
	w := newWorld(t)
	w.open("", 0)
	s := w.last()
	require.Equal(t, "wss://files.example/base/attache/chat", s.url)
	s.open()
	hello := s.hello()
	require.Equal(t, "a token", hello.Token)
	require.Equal(t, "the key", hello.SecureKey)
	s.push(welcome())
	require.Len(t, w.words("welcome", "closed"), 1)
	s.fire("message", w.view([]byte{1, 2, 3}))
	s.push(said(1, "bo", "still here"))
	require.Len(t, w.words("event", "closed", "state"), 1)
	w.call("say", handle, 1, "0123456789abcdef0123456789abcdef", "hi", "INT", "bo", "text", "SYSTEM")
	require.Equal(t, &bridge.Say{
		Ref: 1, Key: "0123456789abcdef0123456789abcdef", Text: "hi", Visibility: bridge.Internal, Receiver: "bo", MessageType: "text", TreatAs: bridge.TreatSystem,
	}, only[*bridge.Say](s))
	w.call("ask", handle, 2, "file-1", "0123456789abcdef0123456789abcdef")
	require.Equal(t, "file-1", only[*bridge.Ask](s).File)
	s.push(&bridge.Done{Ref: 1})
	require.Len(t, w.words("done", "fail"), 1)
	w.call("leave", handle, 3, "force-close")
	require.Equal(t, bridge.ForceClose, only[*bridge.Leave](s).After)
	s.push(&bridge.Done{Ref: 3})
	require.Len(t, w.words("closed"), 1)
	require.True(t, s.closed)
	require.Empty(t, s.listeners)
}

func TestNoticesOverTheBorder(t *testing.T) {
	w := newWorld(t)
	s := w.connected(func(m *bridge.Welcome) { m.Rights = append(m.Rights, "upload:standard-response") })
	w.call("notify", handle, 1, key, "USER_CUSTOM", "hi", `{"a":"1","l":{"n":2,"raw":{"$binary":"AAE="}}}`, "INT", "bo")
	require.Equal(t, &bridge.Notify{
		Ref: 1, Key: key, Notice: "USER_CUSTOM", Text: "hi", Visibility: bridge.Internal, Receiver: "bo",
		Data: bridge.Data{bridge.Text("a", "1"), bridge.List("l", bridge.Data{bridge.Int("n", 2), bridge.Binary("raw", []byte{0, 1})})},
	}, only[*bridge.Notify](s))
	s.push(&bridge.Done{Ref: 1})
	require.Equal(t, []heard{{"done", 1, ""}}, w.words("done", "fail"))

	for _, data := range []string{"[]", "{", `{"a":-1}`, `{"a":null}`, `{"a":true}`, `{"a":1.5}`, `{"":"x"}`, `"text"`} {
		w.call("notify", handle, 2, key, "USER_CUSTOM", "", data, "", "")
		refused := w.words("done", "fail")
		require.Len(t, refused, 1, data)
		require.Equal(t, "fail", refused[0].word, data)
		require.Empty(t, s.sent(), data)
	}

	w.call("typing", handle, true, "he", "INT", "bo")
	require.Equal(t, "he", only[*bridge.Notify](s).Text)
	w.call("typing", handle, false, "", "", "")
	require.Equal(t, bridge.TypingStopped, only[*bridge.Notify](s).Notice)

	w.call("find", handle, 3, "form", "D1")
	require.Equal(t, &bridge.Find{Ref: 3, Words: "form", After: "D1"}, only[*bridge.Find](s))
	s.push(&bridge.Found{Ref: 3, More: true})
	require.Equal(t, []heard{{"done", 3, `{"responses":[],"more":true}`}}, w.words("done", "fail"))
}

func TestOpenContinuesASession(t *testing.T) {
	w := newWorld(t)
	w.open("chat-1", 40)
	w.last().open()
	require.Equal(t, int64(40), w.last().hello().Position)
}

func TestReasonOfAClosedSocket(t *testing.T) {
	w := newWorld(t)
	w.open("", 0)
	e := newObject(t)
	fail := bridge.AppendMessage(nil, &bridge.Fail{Error: *bridge.NewError(bridge.CodeOrigin, "")})
	require.NoError(t, e.Set("type", "close"))
	require.NoError(t, e.Set("fail", string(fail)))
	_, err := w.last().listeners["close"].Invoke(e)
	require.NoError(t, err)
	closed := w.words("closed")
	require.Len(t, closed, 1)
	require.Contains(t, closed[0].text, `"code":"origin-refused"`)
}

func TestADialThatThrows(t *testing.T) {
	w := newWorld(t)
	report := w.report()
	dial := w.evaluate(`return () => { throw new Error('no'); };`)
	require.Nil(t, w.call("open", handle, report, dial, "ws://x", 0, "", "", 0, ""))
	closed := w.words("closed")
	require.Len(t, closed, 1)
	require.Contains(t, closed[0].text, `"code":"offline"`)
}

func TestUploadOverTheBorder(t *testing.T) {
	w := newWorld(t)
	s := w.connected()
	f := w.newFile(1, content(3<<20))
	f.upload(key, "a.bin")
	require.Equal(t, int64(3<<20), only[*bridge.Offer](s).Size)
	s.push(&bridge.Accept{Key: key})
	w.ready().transfer(f, key, 0)
	require.Positive(t, f.released)
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	require.Equal(t, []string{"offered", "receiving", "accepted"}, w.states())
	w.call("cancel", handle, 1)
	require.Equal(t, []string{"cancelled"}, w.states())
	require.Equal(t, key, only[*bridge.Cancel](s).Key)
	w.call("discard", handle, key)
	require.Equal(t, key, only[*bridge.Cancel](s).Key)
}

func TestUnreadOverTheBorder(t *testing.T) {
	w := newWorld(t)
	s := w.connected()
	w.newFile(1, content(1000)).upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	w.ready()
	w.heard = nil
	w.call("unread", handle, 1, true)
	failed := w.words("upload")
	require.Len(t, failed, 1)
	require.Contains(t, failed[0].text, `"code":"file-changed"`)
}

func TestArgumentsOfUpload(t *testing.T) {
	for name, test := range map[string]struct {
		args []any // key, name, size, type, uploadType, description, digest, visibility, and custom data
		code string
	}{
		"a size lie":    {[]any{key, "a", -1, "", "", "", "", ""}, "message-invalid"},
		"half a byte":   {[]any{key, "a", 1.5, "", "", "", "", ""}, "message-invalid"},
		"a huge size":   {[]any{key, "a", 1e300, "", "", "", "", ""}, "message-invalid"},
		"not a name":    {[]any{key, 7, 1, "", "", "", "", ""}, "message-invalid"},
		"visibility":    {[]any{key, "a", 1, "", "", "", "", "VIP"}, "forbidden"},
		"another right": {[]any{key, "a", 1, "", "standard-response", "", "", ""}, "forbidden"},
		"description":   {[]any{key, "a", 1, "", "", strings.Repeat("x", 3000), "", ""}, "message-invalid"},
		"vendor's key":  {[]any{key, "a", 1, "", "", "", "", "", "file-id", "1"}, "custom-key-refused"},
		"a key alone":   {[]any{key, "a", 1, "", "", "", "", "", "k"}, "message-invalid"},
		"not a value":   {[]any{key, "a", 1, "", "", "", "", "", "k", 1}, "message-invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.connected()
			w.call("upload", append([]any{handle, 1, w.newFile(1, nil).value, 0}, test.args...)...)
			refused := w.words("fail", "upload")
			require.Len(t, refused, 1)
			require.Contains(t, refused[0].text, `"code":"`+test.code+`"`)
			require.Empty(t, s.sent())
		})
	}
}

// What one message leads to crosses the border in one call.
func TestReportsCrossTogether(t *testing.T) {
	w := newWorld(t)
	s := w.connected()
	f := w.newFile(1, content(10))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	w.ready().transfer(f, key, 0)
	w.words()
	calls := w.calls
	e := bridge.Announcement{Name: "a.bin", Size: 10, DocumentID: "d", Key: key}.Notice(bridge.All)
	e.ID, e.At, e.From = 12, 1, bridge.Party{UserID: "ada", UserType: bridge.Agent}
	s.push(&bridge.EventAdded{Event: e})
	require.Greater(t, len(w.words("event", "upload")), 1)
	require.Equal(t, calls+1, w.calls)
}
