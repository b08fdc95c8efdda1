package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func (w *world) notify(call int64, m bridge.Notify) { w.do(func(s *Session) { s.Notify(call, m) }) }

func TestNotifyKeptIsSentAgainAfterALoss(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	m := bridge.Notify{Key: key, Notice: bridge.UserCustom, Text: "x", Data: bridge.Data{bridge.List("l", bridge.Data{bridge.Int("n", 1)})}}
	w.notify(1, m)
	m.Ref = 1
	require.Equal(t, &m, only[*bridge.Notify](s))
	s.cut()
	w.pass(time.Second)
	second := w.last()
	second.open()
	second.hello()
	second.push(welcome())
	require.Equal(t, &m, only[*bridge.Notify](second))
	e := bridge.Event{ID: 3, Type: bridge.Notice, NoticeType: bridge.UserCustom, From: bridge.Party{UserID: "ada", UserType: bridge.Agent}, Visibility: bridge.All}
	second.push(&bridge.Done{Ref: 1, Event: &e})
	done := w.words(WordDone, WordFail)
	require.Equal(t, []heard{{WordDone, 1, string(bridge.AppendTranscriptItem(nil, e, "ada"))}}, done)
}

// What is shown at once or never is not sent later, to parties that do not expect it any more.
func TestNotifyTransientIsNeverQueued(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	receipt := bridge.Notify{Key: key, Notice: bridge.ReadReceipt, Data: bridge.Data{bridge.Int(bridge.KeyPosition, 7)}}
	w.notify(1, receipt)
	require.Empty(t, only[*bridge.Notify](s).Key)
	w.notify(2, bridge.Notify{Key: key, Notice: bridge.UserCustom})
	s.push(&bridge.Done{Ref: 1})
	require.Equal(t, []heard{{WordDone, 1, ""}}, w.words(WordDone, WordFail))

	w.notify(3, receipt)
	s.cut()
	refused := w.words(WordFail)
	require.Len(t, refused, 1)
	require.Equal(t, int64(3), refused[0].call)
	require.Contains(t, refused[0].text, `"code":"offline"`)
	w.notify(4, receipt)
	require.Contains(t, w.words(WordFail)[0].text, `"code":"offline"`)

	w.pass(time.Second)
	second := w.last()
	second.open()
	second.hello()
	second.push(welcome())
	require.Equal(t, int64(2), only[*bridge.Notify](second).Ref, "only what is kept")
}

func TestNotifyIsCheckedHere(t *testing.T) {
	for name, test := range map[string]struct {
		m    bridge.Notify
		code string
	}{
		"no rule":          {bridge.Notify{Key: key, Notice: "X"}, "message-invalid"},
		"a reserved key":   {bridge.Notify{Key: key, Notice: bridge.UserCustom, Data: bridge.Data{bridge.Text("file-id", "1")}}, "custom-key-refused"},
		"a visibility":     {bridge.Notify{Key: key, Notice: bridge.UserCustom, Visibility: bridge.Vip}, "forbidden"},
		"a running URL":    {bridge.Notify{Key: key, Notice: bridge.PushURL, Text: "javascript:0"}, "message-invalid"},
		"a missing right":  {bridge.Notify{Key: key, Notice: bridge.SystemCommand, Text: bridge.FileUploaded, Data: bridge.Data{bridge.Text("file-document-id", "d")}}, "forbidden"},
		"a key of letters": {bridge.Notify{Key: "0123456789abcdef0123456789abcdef0", Notice: bridge.UserCustom}, "message-invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			w.notify(1, test.m)
			refused := w.words(WordFail)
			require.Len(t, refused, 1)
			require.Contains(t, refused[0].text, `"code":"`+test.code+`"`)
			require.Empty(t, s.sent())
		})
	}
}

func TestOwnRenameChangesTheParty(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	renamed := said(5, "ada", "Ada L.")
	renamed.Event.Type, renamed.Event.NoticeType, renamed.Event.From.Nickname = bridge.Notice, bridge.UpdateNick, "Ada L."
	s.push(renamed)
	w.do(func(s *Session) { require.Equal(t, "Ada L.", s.party.Nickname) })
	require.Contains(t, w.words(WordEvent)[0].text, `"type":"nickname"`)
}

func TestFind(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected(func(m *bridge.Welcome) { m.Rights = append(m.Rights, "upload:standard-response") })
	w.do(func(s *Session) { s.Find(1, "return form", "D7") })
	require.Equal(t, &bridge.Find{Ref: 1, Words: "return form", After: "D7"}, only[*bridge.Find](s))
	found := &bridge.Found{Ref: 1, Responses: []bridge.Response{{DocumentID: "D8", Name: "a.pdf", Size: 3}}}
	s.push(found)
	s.push(found)
	require.Equal(t, []heard{{WordDone, 1, string(bridge.AppendFound(nil, found))}}, w.words(WordDone, WordFail))

	w.do(func(s *Session) { s.rights = nil; s.Find(2, "", "") })
	require.Contains(t, w.words(WordFail)[0].text, `"code":"forbidden"`)
}

// Trap 6: a party that names no version is 101, which sees neither files nor nicknames.
func TestHelloAlwaysNamesAVersion(t *testing.T) {
	w := newTestWorld(t)
	w.open("", 0)
	chat := w.last()
	chat.open()
	require.EqualValues(t, bridge.VersionCurrent, chat.hello().ClientVersion)
	chat.push(welcome())
	w.newFile(1, []byte("x")).upload(key, "a.txt")
	chat.push(&bridge.Accept{Key: key})
	data := w.last()
	require.NotSame(t, chat, data)
	data.open()
	require.EqualValues(t, bridge.VersionCurrent, data.hello().ClientVersion)
}
