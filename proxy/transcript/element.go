package transcript

import (
	"encoding/base64"
	"strconv"
	"strings"

	"attache/bridge"
)

// kinds are the elements that are entries.
var kinds = map[string]bridge.EventType{
	"newParty": bridge.NewParty, "partyLeft": bridge.PartyLeft, "message": bridge.Message, "notice": bridge.Notice, "reenter": Reenter,
}

// element is an entry as it is in XML, with every attribute as text.
type element struct {
	UserID     string `xml:"userId,attr"`
	TimeShift  string `xml:"timeShift,attr"`
	Visibility string `xml:"visibility,attr"`
	EventID    string `xml:"eventId,attr"`
	ReceiverID string `xml:"receiverId,attr"`
	AskerID    string `xml:"askerId,attr"`
	Agents     string `xml:"agents,attr"`
	Clients    string `xml:"clients,attr"`

	UserInfo *struct {
		PersonID       string `xml:"personId,attr"`
		UserNick       string `xml:"userNick,attr"`
		UserType       string `xml:"userType,attr"`
		ProtocolType   string `xml:"protocolType,attr"`
		TimeZoneOffset string `xml:"timeZoneOffset,attr"`
		ClientVersion  string `xml:"clientVersion,attr"`
	} `xml:"userInfo"`
	UserData        *items `xml:"userData"`
	EventAttributes *items `xml:"eventAttributes"`
	MsgText         *struct {
		MsgType string `xml:"msgType,attr"`
		TreatAs string `xml:"treatAs,attr"`
		Text    string `xml:",chardata"`
	} `xml:"msgText"`
	NoticeText *struct {
		NoticeType string `xml:"noticeType,attr"`
		Text       string `xml:",chardata"`
	} `xml:"noticeText"`
	Reason *struct {
		Code string `xml:"code,attr"`
		Text string `xml:",chardata"`
	} `xml:"reason"`
}

type items struct {
	Items []item `xml:"item"`
}

type item struct {
	Key   string `xml:"key,attr"`
	Type  string `xml:"type,attr"`
	Text  string `xml:",chardata"`
	Items []item `xml:"item"`
}

// entry returns the element as an entry. Without an id it follows the entry before; without a
// time it happened when that one did.
func (e element) entry(kind bridge.EventType, started, lastAt, lastID int64) (n Entry, err error) {
	n.Type, n.At = kind, lastAt
	if shift, ok := number(e.TimeShift); ok {
		n.At = started + min(max(shift, 0), bridge.MaxInteger/2000)*1000
	}
	n.ID = lastID + 1
	if id, ok := number(e.EventID); ok && id > 0 {
		n.ID = id
	}
	n.From.UserID, n.Receiver = e.UserID, e.ReceiverID
	n.Visibility = visibility(e.Visibility)
	if n.Data, err = e.UserData.data(); err != nil {
		return n, err
	}
	if n.Attributes, err = e.EventAttributes.data(); err != nil {
		return n, err
	}
	if e.MsgText != nil {
		n.Text, n.MessageType, n.TreatAs = e.MsgText.Text, e.MsgText.MsgType, bridge.TreatAs(strings.ToUpper(e.MsgText.TreatAs))
	}
	switch kind {
	case bridge.NewParty:
		e.newParty(&n)
	case bridge.PartyLeft:
		e.partyLeft(&n)
	case bridge.Notice:
		if e.NoticeText != nil {
			n.NoticeType, n.Text = e.NoticeText.NoticeType, e.NoticeText.Text
		}
		n.MessageType, n.TreatAs = "", ""
	case Reenter:
		n.Agents, n.Clients = UserStatus(e.Agents), UserStatus(e.Clients)
	}
	return n, nil
}

func (e element) newParty(n *Entry) {
	n.From.Visibility = n.Visibility
	if n.Attributes.In(keySystem).In(keyPartyInfo).Get(keyStyle) == string(bridge.StyleBot) {
		n.From.Style = bridge.StyleBot
	}
	if e.UserInfo == nil {
		return
	}
	n.From.Nickname, n.From.UserType = e.UserInfo.UserNick, bridge.UserType(strings.ToUpper(e.UserInfo.UserType))
	n.From.ClientVersion, _ = number(e.UserInfo.ClientVersion)
	offset, _ := number(e.UserInfo.TimeZoneOffset)
	n.Info = &bridge.UserInfo{
		PersonID: e.UserInfo.PersonID, TimeZoneOffset: offset, Protocol: bridge.ProtocolType(strings.ToUpper(e.UserInfo.ProtocolType)),
	}
}

func (e element) partyLeft(n *Entry) {
	if e.AskerID != e.UserID {
		n.Asker = e.AskerID
	}
	if e.Reason != nil {
		code, _ := number(e.Reason.Code)
		n.Reason = &bridge.Reason{Code: code, Text: e.Reason.Text}
	}
}

// visibility returns the one of that token. Older servers write none, which is ALL; one that is
// not known is the narrowest.
func visibility(s string) bridge.Visibility {
	switch v := bridge.Visibility(strings.ToUpper(s)); v {
	case "":
		return bridge.All
	case bridge.All, bridge.Internal:
		return v
	}
	return bridge.Vip
}

func (list *items) data() (bridge.Data, error) {
	if list == nil {
		return nil, nil
	}
	return data(list.Items, 1)
}

func data(list []item, depth int) (d bridge.Data, err error) {
	if depth > maxDepth {
		return nil, ErrTooDeep
	}
	for _, i := range list {
		value, err := i.value(depth)
		if err != nil {
			return nil, err
		}
		d = append(d, value)
	}
	return d, nil
}

// value returns an item. One without a type is a list if items are in it; a value that its type
// does not allow is text.
func (i item) value(depth int) (bridge.Item, error) {
	kind := strings.ToLower(i.Type)
	switch {
	case kind == string(bridge.TypeList), kind == "" && len(i.Items) > 0:
		list, err := data(i.Items, depth+1)
		return bridge.List(i.Key, list), err
	case kind == string(bridge.TypeInt):
		if v, ok := number(i.Text); ok {
			return bridge.Int(i.Key, v), nil
		}
	case kind == string(bridge.TypeBinary):
		if v, err := base64.StdEncoding.DecodeString(strings.TrimSpace(i.Text)); err == nil {
			return bridge.Binary(i.Key, v), nil
		}
	}
	return bridge.Text(i.Key, i.Text), nil
}

func number(s string) (int64, bool) {
	v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	return v, err == nil
}
