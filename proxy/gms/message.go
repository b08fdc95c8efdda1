package gms

import (
	"cmp"

	"attache/bridge"
	"attache/proxy"
)

// Message is an event of the transcript as GMS shows it to a customer (seen in captures and
// clients).
type Message struct {
	From        From              `json:"from"`
	Index       *int64            `json:"index,omitempty"` // absent of what the transcript does not keep
	Type        MessageType       `json:"type"`
	UTCTime     int64             `json:"utcTime"` // milliseconds since 1970
	Text        string            `json:"text,omitempty"`
	MessageType string            `json:"messageType,omitempty"` // as its sender named it
	UserData    map[string]string `json:"userData,omitempty"`
	Attributes  map[string]any    `json:"eventAttributes,omitempty"`
}

// From is the sender of a message.
type From struct {
	Nickname      string `json:"nickname"`
	ParticipantID int64  `json:"participantId"` // a small number, within the session
	Type          string `json:"type"`          // Client, Agent, Supervisor, External or System
}

// MessageType says what a message reports.
type MessageType string

// The types, as clients know them.
const (
	ParticipantJoined MessageType = "ParticipantJoined"
	ParticipantLeft   MessageType = "ParticipantLeft"
	Text              MessageType = "Message"
	TypingStarted     MessageType = "TypingStarted"
	TypingStopped     MessageType = "TypingStopped"
	NicknameUpdated   MessageType = "NicknameUpdated"
	PushURL           MessageType = "PushUrl"
	FileUploaded      MessageType = "FileUploaded"
	FileDeleted       MessageType = "FileDeleted"
	CustomNotice      MessageType = "CustomNotice"
	Notice            MessageType = "Notice"
	IdleAlert         MessageType = "IdleAlert"
	IdleClose         MessageType = "IdleClose"
)

var fromTypes = map[bridge.UserType]string{
	bridge.Client: "Client", bridge.Agent: "Agent", bridge.Supervisor: "Supervisor",
	bridge.External: "External",
}

var noticeTypes = map[string]MessageType{
	bridge.TypingStarted: TypingStarted, bridge.TypingStopped: TypingStopped, bridge.UpdateNick: NicknameUpdated,
	bridge.PushURL: PushURL, bridge.UserCustom: CustomNotice,
	bridge.IdleControlAlert: IdleAlert, bridge.IdleControlClose: IdleClose,
}

// typeOf returns the type of the message that reports e.
func typeOf(e bridge.Event) MessageType {
	switch {
	case e.Type == bridge.NewParty:
		return ParticipantJoined
	case e.Type == bridge.PartyLeft:
		return ParticipantLeft
	case e.Type == bridge.Message:
		return Text
	case e.IsFile():
		return FileUploaded
	case e.Deletes() != "":
		return FileDeleted
	}
	if t, ok := noticeTypes[e.NoticeType]; ok {
		return t
	}
	return Notice
}

// message translates an event.
func (s *Server) message(e proxy.FlexEvent) Message {
	m := Message{
		From: From{Nickname: e.From.Nickname, ParticipantID: e.PartyID, Type: cmp.Or(fromTypes[e.From.UserType], string(s.cfg.SystemIs))},
		Type: typeOf(e.Event), UTCTime: e.At, Text: e.Text, MessageType: e.MessageType,
		UserData: flat(e.Data), Attributes: nested(shown(e.Event)),
	}
	if !e.Transient() {
		m.Index = &e.ID
	}
	return m
}

// shown returns the attributes of an event without what GMS' Chat API leaves out: the reason code
// of a logout and of inactivity.
func shown(e bridge.Event) bridge.Data {
	if e.Reason == nil || !e.Reason.PushedOnly() {
		return e.Attributes
	}
	return e.Attributes.WithoutQuitReason()
}

// flat returns a collection with all values as strings, as GMS sends it. Lists are left out,
// because no capture has one.
func flat(d bridge.Data) map[string]string {
	if len(d) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, item := range d {
		if item.Type != bridge.TypeList {
			out[item.Key] = item.Text
		}
	}
	return out
}

// nested returns a collection with its lists.
func nested(d bridge.Data) map[string]any {
	if len(d) == 0 {
		return nil
	}
	out := map[string]any{}
	for _, item := range d {
		if item.Type == bridge.TypeList {
			out[item.Key] = nested(item.List)
		} else {
			out[item.Key] = item.Text
		}
	}
	return out
}
