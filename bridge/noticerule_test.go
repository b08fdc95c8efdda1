package bridge_test

import (
	"slices"
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const noticeKey = "0123456789abcdef0123456789abcdef"

var everyUserType = []bridge.UserType{bridge.Client, bridge.Agent, bridge.Supervisor, bridge.External, bridge.System}

// legal are notices that a page may ask for, one or more for each rule.
var legal = map[string]bridge.Notify{
	"typing":                    {Notice: bridge.TypingStarted},
	"typing, a preview":         {Notice: bridge.TypingStarted, Text: strings.Repeat("x", 1024), Visibility: bridge.Internal},
	"typing, to one":            {Notice: bridge.TypingStarted, Receiver: "bob"},
	"typing stopped":            {Notice: bridge.TypingStopped},
	"a nickname":                {Notice: bridge.UpdateNick, Text: strings.Repeat("é", 128), Key: noticeKey},
	"a URL":                     {Notice: bridge.PushURL, Text: "https://example.com/a?b=c#d", Key: noticeKey, Receiver: "bob"},
	"custom, nothing":           {Notice: bridge.UserCustom, Key: noticeKey},
	"custom":                    {Notice: bridge.UserCustom, Text: strings.Repeat("x", bridge.MaxText), Key: noticeKey, Data: bridge.Data{bridge.List("l", bridge.Data{bridge.Binary("b", []byte{1})})}},
	"user data":                 {Notice: bridge.UpdateUserData, Key: noticeKey, Data: bridge.Data{bridge.Text("order", "4711")}},
	"a read receipt":            {Notice: bridge.ReadReceipt, Data: bridge.Data{bridge.Int(bridge.KeyPosition, 7)}},
	"idle control":              {Notice: bridge.IdleControlSet, Key: noticeKey, Data: bridge.Data{bridge.Int("timeout", 0)}},
	"a deletion":                {Notice: bridge.SystemCommand, Text: bridge.FileDeleted, Key: noticeKey, Data: bridge.Data{bridge.Text(bridge.KeyFileID, "f1")}},
	"a document":                {Notice: bridge.SystemCommand, Text: bridge.FileUploaded, Key: noticeKey, Data: bridge.Data{bridge.Text(bridge.KeyDocumentID, "d1"), bridge.Text(bridge.KeyDescription, "the form"), bridge.Text("case", "1")}, Visibility: bridge.Internal},
	"a removal":                 {Notice: bridge.SystemCommand, Text: bridge.RemoveParty, Key: noticeKey, Data: bridge.Data{bridge.Text(bridge.KeyUserID, "carol")}},
	"a question for the limits": {Notice: bridge.SystemCommand, Text: bridge.FileConfig},
	"a removal, and over":       {Notice: bridge.SystemCommand, Text: bridge.RemoveParty, Key: noticeKey, Data: bridge.Data{bridge.Text(bridge.KeyUserID, "carol"), bridge.Text(bridge.KeyAfterAction, "force-close")}},
}

func TestNoticeRules_EachHasALegalNotice(t *testing.T) {
	seen := map[string]bool{}
	for name, m := range legal {
		rule, err := bridge.CheckNotify(&m, bridge.Supervisor, bridge.AllRights)
		require.NoError(t, err, name)
		require.Equal(t, m.Notice, rule.Type, name)
		require.Equal(t, m.Key == "", rule.Transient || rule.Answered, name)
		seen[rule.Type+rule.Command] = true
		_, err = bridge.FromPage(bridge.AppendMessage(nil, &m))
		require.NoError(t, err, "%s crosses the wire", name)
	}
	require.Len(t, seen, len(bridge.NoticeRules))
}

// Which parties may ask for which notice. Only what a customer may not do is a rule of its
// own; visibility follows the sender's type.
func TestCheckNotify_BySenderType(t *testing.T) {
	staffOnly := []string{bridge.IdleControlSet, bridge.FileUploaded, bridge.RemoveParty}
	for name, m := range legal {
		for _, from := range everyUserType {
			_, err := bridge.CheckNotify(&m, from, bridge.AllRights)
			if from == bridge.Client && (slices.Contains(staffOnly, m.Notice) || slices.Contains(staffOnly, m.Text) || m.Visibility == bridge.Internal) {
				require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), "%s from a %s", name, from)
				continue
			}
			require.NoError(t, err, "%s from a %s", name, from)
		}
	}
}

func TestCheckNotify_ByRight(t *testing.T) {
	for name, m := range legal {
		right := bridge.RightChat
		switch m.Text {
		case bridge.FileDeleted, bridge.FileConfig:
			right = bridge.RightUpload
		case bridge.FileUploaded:
			right = bridge.RightUploadResponse
		}
		others := slices.DeleteFunc(slices.Clone(bridge.AllRights), func(r bridge.Right) bool { return r == right })
		_, err := bridge.CheckNotify(&m, bridge.Agent, others)
		require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), name)
		_, err = bridge.CheckNotify(&m, bridge.Agent, bridge.Rights{right})
		require.NoError(t, err, name)
	}
}

// A person who reads a refusal does not know the names of the protocol.
func TestCheckNotify_RefusalsAreSentences(t *testing.T) {
	for message, m := range map[string]bridge.Notify{
		"a customer cannot attach standard responses":          {Notice: bridge.SystemCommand, Text: bridge.FileUploaded, Data: bridge.Data{bridge.Text(bridge.KeyDocumentID, "d")}},
		"a customer cannot remove a party":                     {Notice: bridge.SystemCommand, Text: bridge.RemoveParty, Data: bridge.Data{bridge.Text(bridge.KeyUserID, "c")}},
		"a customer cannot change when an idle chat is closed": {Notice: bridge.IdleControlSet, Data: bridge.Data{bridge.Text("a", "b")}},
		"a customer cannot send with visibility INT":           {Notice: bridge.UserCustom, Visibility: bridge.Internal},
		"a notice READ_RECEIPT needs transcript-position":      {Notice: bridge.ReadReceipt},
		"a notice READ_RECEIPT has no a":                       {Notice: bridge.ReadReceipt, Data: bridge.Data{bridge.Int(bridge.KeyPosition, 1), bridge.Text("a", "b")}},
	} {
		_, err := bridge.CheckNotify(&m, bridge.Client, bridge.AllRights)
		require.EqualError(t, err, message)
	}
	require.EqualError(t, bridge.CheckUploadType(bridge.FromStandardResponse, bridge.Client, bridge.AllRights), "a customer cannot attach standard responses")
}

func TestCheckNotify_Refusals(t *testing.T) {
	for name, tc := range map[string]struct {
		m    bridge.Notify
		code bridge.Code
	}{
		"a type without a rule":             {bridge.Notify{Notice: "SOMETHING", Key: noticeKey}, bridge.CodeMessage},
		"a server's notice":                 {bridge.Notify{Notice: bridge.IdleControlClose, Key: noticeKey}, bridge.CodeMessage},
		"an unknown command":                {bridge.Notify{Notice: bridge.SystemCommand, Text: "file-stolen", Key: noticeKey}, bridge.CodeMessage},
		"a command without a name":          {bridge.Notify{Notice: bridge.SystemCommand, Key: noticeKey}, bridge.CodeMessage},
		"typing with a key":                 {bridge.Notify{Notice: bridge.TypingStarted, Key: noticeKey}, bridge.CodeMessage},
		"typing with data":                  {bridge.Notify{Notice: bridge.TypingStarted, Data: bridge.Data{bridge.Text("a", "b")}}, bridge.CodeCustomKey},
		"a preview too long":                {bridge.Notify{Notice: bridge.TypingStarted, Text: strings.Repeat("x", 1025)}, bridge.CodeTextLength},
		"no nickname":                       {bridge.Notify{Notice: bridge.UpdateNick}, bridge.CodeMessage},
		"a blank nickname":                  {bridge.Notify{Notice: bridge.UpdateNick, Text: " \u2003"}, bridge.CodeMessage},
		"a nickname with a control":         {bridge.Notify{Notice: bridge.UpdateNick, Text: "A\nB"}, bridge.CodeMessage},
		"a nickname with a line separator":  {bridge.Notify{Notice: bridge.UpdateNick, Text: "A\u2028B"}, bridge.CodeMessage},
		"a nickname with a bidi override":   {bridge.Notify{Notice: bridge.UpdateNick, Text: "\u202eA"}, bridge.CodeMessage},
		"a URL with a bidi override":        {bridge.Notify{Notice: bridge.PushURL, Text: "http://a.example/\u202e"}, bridge.CodeMessage},
		"a nickname too long":               {bridge.Notify{Notice: bridge.UpdateNick, Text: strings.Repeat("x", 10_000)}, bridge.CodeTextLength},
		"a nickname for some":               {bridge.Notify{Notice: bridge.UpdateNick, Text: "A", Visibility: bridge.Internal}, bridge.CodeMessage},
		"a nickname for one":                {bridge.Notify{Notice: bridge.UpdateNick, Text: "A", Receiver: "bob"}, bridge.CodeMessage},
		"no URL":                            {bridge.Notify{Notice: bridge.PushURL}, bridge.CodeMessage},
		"user data without data":            {bridge.Notify{Notice: bridge.UpdateUserData}, bridge.CodeMessage},
		"user data with a text":             {bridge.Notify{Notice: bridge.UpdateUserData, Text: "x", Data: bridge.Data{bridge.Text("a", "b")}}, bridge.CodeMessage},
		"a receipt of nothing":              {bridge.Notify{Notice: bridge.ReadReceipt}, bridge.CodeMessage},
		"a receipt of a word":               {bridge.Notify{Notice: bridge.ReadReceipt, Data: bridge.Data{bridge.Text(bridge.KeyPosition, "all")}}, bridge.CodeMessage},
		"a receipt with more":               {bridge.Notify{Notice: bridge.ReadReceipt, Data: bridge.Data{bridge.Int(bridge.KeyPosition, 1), bridge.Text("a", "b")}}, bridge.CodeCustomKey},
		"a deletion of nothing":             {bridge.Notify{Notice: bridge.SystemCommand, Text: bridge.FileDeleted}, bridge.CodeMessage},
		"a deletion of a list":              {bridge.Notify{Notice: bridge.SystemCommand, Text: bridge.FileDeleted, Data: bridge.Data{{Key: bridge.KeyFileID, Type: bridge.TypeList, Text: "x"}}}, bridge.CodeCustomKey},
		"a document without id":             {bridge.Notify{Notice: bridge.SystemCommand, Text: bridge.FileUploaded, Data: bridge.Data{bridge.Text(bridge.KeyFileName, "a")}}, bridge.CodeMessage},
		"a document under a name":           {bridge.Notify{Notice: bridge.SystemCommand, Text: bridge.FileUploaded, Data: bridge.Data{bridge.Text(bridge.KeyDocumentID, "d"), bridge.Text(bridge.KeyFileName, "a")}}, bridge.CodeCustomKey},
		"a removal of nobody":               {bridge.Notify{Notice: bridge.SystemCommand, Text: bridge.RemoveParty}, bridge.CodeMessage},
		"a removal with an action":          {bridge.Notify{Notice: bridge.SystemCommand, Text: bridge.RemoveParty, Data: bridge.Data{bridge.Text(bridge.KeyUserID, "c"), bridge.Text(bridge.KeyAfterAction, "explode")}}, bridge.CodeMessage},
		"custom with file-id":               {bridge.Notify{Notice: bridge.UserCustom, Data: bridge.Data{bridge.Text(bridge.KeyFileID, "f")}}, bridge.CodeCustomKey},
		"custom with attache-key, deep":     {bridge.Notify{Notice: bridge.UserCustom, Data: bridge.Data{bridge.List("a", bridge.Data{bridge.List("b", bridge.Data{bridge.Text(bridge.KeyFileKey, "k")})})}}, bridge.CodeCustomKey},
		"user data with attache-name":       {bridge.Notify{Notice: bridge.UpdateUserData, Data: bridge.Data{bridge.List("a", bridge.Data{bridge.Text(bridge.KeyFileAsSent, "k")})}}, bridge.CodeCustomKey},
		"user data with file-document-id":   {bridge.Notify{Notice: bridge.UpdateUserData, Data: bridge.Data{bridge.Text(bridge.KeyDocumentID, "k")}}, bridge.CodeCustomKey},
		"custom with a character XML lacks": {bridge.Notify{Notice: bridge.UserCustom, Data: bridge.Data{bridge.Text("a", "b\x01")}}, bridge.CodeCustomKey},
		"custom with too much":              {bridge.Notify{Notice: bridge.UserCustom, Data: bridge.Data{bridge.List("a", tooMuch()), bridge.List("b", tooMuch())}}, bridge.CodeMessageSize},
		"custom too large as XML":           {bridge.Notify{Notice: bridge.UserCustom, Text: strings.Repeat("&", bridge.MaxText)}, bridge.CodeMessageSize},
		"custom too long":                   {bridge.Notify{Notice: bridge.UserCustom, Text: strings.Repeat("x", bridge.MaxText+1)}, bridge.CodeTextLength},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bridge.CheckNotify(&tc.m, bridge.Supervisor, bridge.AllRights)
			require.Equal(t, tc.code, bridge.CodeOf(err), "%v", err)
			require.NotEmpty(t, bridge.AsError(err).Hint)
		})
	}
}

func tooMuch() (d bridge.Data) {
	for _, key := range []string{"a", "b", "c"} {
		d = append(d, bridge.Text(key, strings.Repeat("x", bridge.MaxValue)))
	}
	return d
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{
		"http://a", "https://example.com", "HTTPS://example.com:8443/a/b?c=d&e#f", "http://[::1]/", "https://münchen.example/größe",
		"https://example.com/?next=http://b", "https://example.com/a@b",
	} {
		require.NoError(t, bridge.CheckURL(good), good)
	}
	for _, bad := range []string{
		"", "example.com", "//example.com", "http:/a", "http://", "http:///a", "http://:80", "https://?a", "https://#a",
		"javascript:alert(1)", "javascript://example.com/%0aalert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://a", "blob:https://a/1", "vbscript:x",
		" https://a", "https://a b", "https://a\n", "https://a\x00", "https://bank.example@evil.example", "https://u:p@a", "https://a\\@b",
		"https://a\u0000", "https://a\ufffe", "https://" + strings.Repeat("x", bridge.MaxValue), "https://a/\"onclick=", "https://a/<script>",
	} {
		require.Equal(t, bridge.CodeMessage, bridge.CodeOf(bridge.CheckURL(bad)), "%q", bad)
	}
}

func TestCheckSay(t *testing.T) {
	ok := bridge.Say{Text: "hi", Key: noticeKey, MessageType: "text", TreatAs: bridge.TreatNormal, Receiver: "bob"}
	for _, from := range everyUserType {
		require.NoError(t, bridge.CheckSay(&ok, from, bridge.AllRights))
	}
	system := ok
	system.TreatAs = bridge.TreatSystem
	require.NoError(t, bridge.CheckSay(&system, bridge.Agent, bridge.AllRights))
	for name, tc := range map[string]struct {
		m    bridge.Say
		from bridge.UserType
		r    bridge.Rights
		code bridge.Code
	}{
		"a customer as the system":   {system, bridge.Client, bridge.AllRights, bridge.CodeForbidden},
		"a customer, internally":     {bridge.Say{Text: "x", Visibility: bridge.Internal}, bridge.Client, bridge.AllRights, bridge.CodeForbidden},
		"an agent, to supervisors":   {bridge.Say{Text: "x", Visibility: bridge.Vip}, bridge.Agent, bridge.AllRights, bridge.CodeForbidden},
		"without the right":          {ok, bridge.Agent, bridge.Rights{bridge.RightDownload}, bridge.CodeForbidden},
		"too long":                   {bridge.Say{Text: strings.Repeat("x", bridge.MaxText+1)}, bridge.Agent, bridge.AllRights, bridge.CodeTextLength},
		"too large as XML":           {bridge.Say{Text: strings.Repeat("<", bridge.MaxText)}, bridge.Agent, bridge.AllRights, bridge.CodeMessageSize},
		"a message type of controls": {bridge.Say{Text: "x", MessageType: "a\x00"}, bridge.Agent, bridge.AllRights, bridge.CodeMessage},
	} {
		require.Equal(t, tc.code, bridge.CodeOf(bridge.CheckSay(&tc.m, tc.from, tc.r)), name)
	}
	require.NoError(t, bridge.CheckSay(&bridge.Say{Text: strings.Repeat("x", bridge.MaxText)}, bridge.Agent, bridge.AllRights))
}

func drawData(t *rapid.T, depth int) (d bridge.Data) {
	for range rapid.IntRange(0, 4).Draw(t, "items") {
		key := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"a", strings.Repeat(`"`, 128), "file-id", "file-", "attache-key", "attache-name", "user-id", "file-document-id", "file-description", "transcript-position", "after-action",
		})).Draw(t, "key")
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"1", "keep-alive", strings.Repeat("&", 2000)})).Draw(t, "value")
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 0 && depth > 0:
			d = append(d, bridge.List(key, drawData(t, depth-1)))
		case kind == 1:
			d = append(d, bridge.Binary(key, []byte(value)))
		default:
			d = append(d, bridge.Text(key, value))
		}
	}
	return d
}

// Whatever a page asks for, what passes the check is within the packet, is of a visibility
// that its sender may use, says nothing about a file but by the commands, and can be XML.
func TestCheckNotify_WhatPassesIsHarmless(t *testing.T) {
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom(bridge.NoticeRules).Draw(t, "rule")
		m := bridge.Notify{
			Notice: rule.Type, Text: rule.Command,
			Visibility: rapid.SampledFrom([]bridge.Visibility{"", bridge.All, bridge.Internal, bridge.Vip}).Draw(t, "visibility"),
			Data:       drawData(t, 4),
		}
		if rule.Command == "" {
			m.Text = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "http://a", strings.Repeat("<", 9000)})).Draw(t, "text")
		}
		for _, key := range rule.Keys {
			if rapid.Bool().Draw(t, "has its key") {
				m.Data = m.Data.Set(bridge.Text(key, "1"))
			}
		}
		from := rapid.SampledFrom(everyUserType).Draw(t, "from")
		got, err := bridge.CheckNotify(&m, from, bridge.AllRights)
		if err != nil {
			require.NotEqual(t, bridge.CodeInternal, bridge.CodeOf(err))
			return
		}
		passed++
		require.Equal(t, rule.Type+rule.Command, got.Type+got.Command)
		e := bridge.Event{Type: bridge.Notice, NoticeType: m.Notice, Text: m.Text, Data: m.Data}
		require.LessOrEqual(t, bridge.PacketSize(e), bridge.MaxPacket)
		require.LessOrEqual(t, xmlSize(e), bridge.PacketSize(e), "the estimate is an upper bound")
		if m.Visibility != "" {
			require.True(t, from.MaySend(m.Visibility))
		}
		for _, item := range m.Data {
			ours := slices.Contains(rule.Keys, item.Key) || slices.Contains(rule.Optional, item.Key)
			require.False(t, !ours && aboutFiles(item), "%v", item)
		}
	})
	require.Positive(t, passed, "the generator makes no legal notice")
}

func aboutFiles(item bridge.Item) bool {
	return strings.HasPrefix(item.Key, "file-") || item.Key == "attache-key" || item.Key == "attache-name" || slices.ContainsFunc(item.List, aboutFiles)
}

// xmlSize is the length of the event's text and data in XML.
func xmlSize(e bridge.Event) int {
	var out strings.Builder
	escape := func(s string) string {
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;").Replace(s)
	}
	var items func(d bridge.Data)
	items = func(d bridge.Data) {
		for _, item := range d {
			out.WriteString(`<item key="` + strings.NewReplacer(`"`, "&quot;", "'", "&apos;").Replace(escape(item.Key)) + `" type="` + string(item.Type) + `">` + escape(item.Text))
			items(item.List)
			out.WriteString("</item>\n")
		}
	}
	out.WriteString(escape(e.Text))
	items(e.Data)
	return out.Len()
}

// What an offer says of a file must fit into the notice that announces it: a refusal after the
// file was sent would come too late.
func TestAnnouncement_WithinThePacket(t *testing.T) {
	fits := bridge.Announcement{
		Name: strings.Repeat("x", 250) + ".txt", Size: 1, Key: noticeKey, Description: strings.Repeat("d", bridge.MaxValue),
		Custom: bridge.Data{bridge.Text("a", strings.Repeat("x", bridge.MaxValue-2)), bridge.Text("b", strings.Repeat("x", bridge.MaxValue-2))},
	}
	require.NoError(t, bridge.CheckCustom(fits.Custom))
	require.NoError(t, fits.CheckPacket(), "everything at its limit")
	escaped := fits
	escaped.Name, escaped.Description = strings.Repeat("&", 200), strings.Repeat("&", bridge.MaxValue)
	escaped.Custom = bridge.Data{bridge.Text("a", strings.Repeat("&", 2000)), bridge.Text("b", strings.Repeat("&", 2000))}
	require.NoError(t, bridge.CheckCustom(escaped.Custom))
	require.Equal(t, bridge.CodeMessageSize, bridge.CodeOf(escaped.CheckPacket()))
}
