package upstream

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"attache/bridge"
	"attache/proxy/gms"
)

var userTypes = map[string]bridge.UserType{
	"Client": bridge.Client, "Agent": bridge.Agent, "Supervisor": bridge.Supervisor, "External": bridge.External, "System": bridge.System,
}

var noticeTypes = map[gms.MessageType]string{
	gms.TypingStarted: bridge.TypingStarted, gms.TypingStopped: bridge.TypingStopped, gms.NicknameUpdated: bridge.UpdateNick,
	gms.PushURL: bridge.PushURL, gms.IdleAlert: bridge.IdleControlAlert, gms.IdleClose: bridge.IdleControlClose,
	gms.FileUploaded: bridge.SystemCommand, gms.FileDeleted: bridge.SystemCommand,
}

// own reports whether the customer itself sent the message. A chat of GMS has one customer, so
// before its participantId is known, the type says so.
func (ch chat) own(m gms.Message) bool {
	if m.From.Type != "Client" {
		return false
	}
	return ch.Self == 0 || m.From.ParticipantID == 0 || m.From.ParticipantID == ch.Self
}

// eventOf translates a message. GMS does not name user ids, so another party's is made of its
// participantId, which is unique within the chat.
func (ch chat) eventOf(m gms.Message) bridge.Event {
	e := bridge.Event{
		Type: bridge.Notice, At: max(m.UTCTime, 0), Visibility: bridge.All, Text: clean(m.Text, bridge.MaxText),
		From: bridge.Party{
			UserID: "participant-" + strconv.FormatInt(m.From.ParticipantID, 10), Nickname: nickname(m.From.Nickname),
			UserType: cmp.Or(userTypes[m.From.Type], bridge.External),
		},
		Data: collection(m.UserData), Attributes: nested(m.Attributes),
	}
	if e.At == 0 || e.At > bridge.MaxInteger {
		e.At = time.Now().UnixMilli()
	}
	if ch.own(m) {
		e.From.UserID = ch.UserID
	} else if e.From.UserID == ch.UserID {
		e.From.UserID = "other-" + e.From.UserID
	}
	if m.Index != nil {
		e.ID = *m.Index
	}
	switch m.Type {
	case gms.ParticipantJoined:
		e.Type = bridge.NewParty
	case gms.ParticipantLeft:
		e.Type, e.Reason = bridge.PartyLeft, ch.reason(e.Attributes)
	case gms.Text:
		e.Type, e.MessageType = bridge.Message, clean(m.MessageType, 64)
	case gms.FileUploaded:
		e.Text = bridge.FileUploaded
	case gms.FileDeleted:
		e.Text = bridge.FileDeleted
	case gms.NicknameUpdated:
		e.From.Nickname = nickname(cmp.Or(m.Text, m.From.Nickname))
		e.Text = e.From.Nickname
	}
	if e.Type == bridge.Notice {
		e.NoticeType = cmp.Or(noticeTypes[m.Type], bridge.UserCustom)
	}
	return fitting(e)
}

// fitting leaves out of an event what no page would take.
func fitting(e bridge.Event) bridge.Event {
	if e.Attributes.Check() != nil {
		e.Attributes = nil
	}
	for len(e.Data) > 0 && e.Data.Check() != nil {
		e.Data = e.Data[:len(e.Data)-1] // the application's keys are the last
	}
	return e
}

// fileKeys come first in a collection.
var fileKeys = []string{
	bridge.KeyFileID, bridge.KeyFileName, bridge.KeyFileSize, bridge.KeyFileSource, bridge.KeyDocumentID, bridge.KeyFileKey,
	bridge.KeyFileAsSent, bridge.KeyUploadType, bridge.KeyDescription,
}

// collection translates userData, whose values are all strings. Those that pages need come
// first.
func collection(values map[string]string) (d bridge.Data) {
	var keys []string
	for key := range values {
		if key != "" && len(key) <= bridge.MaxKeyLength {
			keys = append(keys, key)
		}
	}
	rank := func(key string) int {
		if i := slices.Index(fileKeys, key); i >= 0 {
			return i
		}
		return len(fileKeys)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a, b)) })
	for _, key := range keys {
		d = append(d, bridge.Text(key, clean(values[key], bridge.MaxValue)))
	}
	return d.XMLText()
}

// nested translates eventAttributes.
func nested(values map[string]any) (d bridge.Data) {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if list, ok := values[key].(map[string]any); ok {
			d = append(d, bridge.List(key, nested(list)))
		} else if s, ok := text(values[key]); ok {
			d = append(d, bridge.Text(key, clean(s, bridge.MaxValue)))
		} else if n, ok := values[key].(float64); ok {
			d = append(d, bridge.Text(key, strconv.FormatFloat(n, 'f', -1, 64)))
		}
	}
	return d.XMLText()
}

// reason reads why a party left, which GMS says of some departures only.
func (chat) reason(attributes bridge.Data) *bridge.Reason {
	code, err := strconv.ParseInt(attributes.In("GCTI_SYSTEM").Get("quit-reason-code"), 10, 64)
	if err != nil || code < 0 || code > bridge.MaxInteger {
		return &bridge.Reason{Code: bridge.ReasonLeft.Code, Text: bridge.ReasonLeft.Text}
	}
	return &bridge.Reason{Code: code}
}

// clean returns text that XML can carry, of at most max bytes.
func clean(s string, max int) string {
	s = bridge.XMLText(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}

const maxNickname = 200 // bytes

// nickname returns a name that a page takes: on one line, and changing the direction of
// nothing after it.
func nickname(s string) string {
	return clean(strings.Map(func(r rune) rune {
		if bridge.CheckNickname("x"+string(r)) != nil {
			return -1
		}
		return r
	}, s), maxNickname)
}
