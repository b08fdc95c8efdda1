package transcript

import (
	"bufio"
	"encoding/xml"
	"io"
	"strconv"
	"time"

	"attache/bridge"
)

// Encoder writes a transcript, an entry at a time.
type Encoder struct {
	w       *bufio.Writer
	head    Header
	started bool
}

// NewEncoder returns an Encoder that writes to w.
func NewEncoder(w io.Writer, h Header) *Encoder {
	return &Encoder{w: bufio.NewWriter(w), head: h}
}

// Encode writes an entry. A transient event, which has no id, is left out, and so are the values
// of secrets. Characters that XML cannot carry become U+FFFD.
func (e *Encoder) Encode(n Entry) error {
	if n.Transient() {
		return nil
	}
	e.begin()
	switch n.Type {
	case bridge.NewParty:
		e.newParty(n)
	case bridge.PartyLeft:
		e.partyLeft(n)
	case bridge.Message:
		e.message(n)
	case bridge.Notice:
		e.notice(n)
	case Reenter:
		e.reenter(n)
	}
	return e.err()
}

// Close ends the transcript and flushes it. It does not close the writer.
func (e *Encoder) Close() error {
	e.begin()
	e.raw("</chatTranscript>\n")
	return e.w.Flush()
}

// err returns the error of an earlier write, because a bufio.Writer remembers it.
func (e *Encoder) err() error {
	_, err := e.w.Write(nil)
	return err
}

func (e *Encoder) begin() {
	if e.started {
		return
	}
	e.started = true
	e.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	e.open("chatTranscript", "startAt", time.UnixMilli(e.head.Started).UTC().Format(startLayout), "sessionId", e.head.Session)
	e.raw("\n")
}

func (e *Encoder) newParty(n Entry) {
	e.event("newParty", n)
	var info bridge.UserInfo
	if n.Info != nil {
		info = *n.Info
	}
	protocol := info.Protocol
	if protocol == "" {
		protocol = bridge.Basic
	}
	attributes := []string{
		"personId", info.PersonID, "userNick", n.From.Nickname, "userType", string(n.From.UserType),
		"protocolType", string(protocol), "timeZoneOffset", strconv.FormatInt(info.TimeZoneOffset, 10),
	}
	if n.From.ClientVersion != 0 {
		attributes = append(attributes, "clientVersion", strconv.FormatInt(n.From.ClientVersion, 10))
	}
	e.empty("userInfo", attributes...)
	e.data("userData", n.Data)
	e.msgText(n)
	e.data("eventAttributes", styled(n))
	e.end("newParty")
}

// styled returns the attributes of a new party, which say so if it is a bot.
func styled(n Entry) bridge.Data {
	info := n.Attributes.In(keySystem).In(keyPartyInfo)
	if n.From.Style == "" || info.Get(keyStyle) != "" {
		return n.Attributes
	}
	set := func(d bridge.Data, item bridge.Item) bridge.Data { return append(bridge.Data{}, d...).Set(item) }
	info = set(info, bridge.Text(keyStyle, string(n.From.Style)))
	system := set(n.Attributes.In(keySystem), bridge.List(keyPartyInfo, info))
	return set(n.Attributes, bridge.List(keySystem, system))
}

func (e *Encoder) message(n Entry) {
	e.event("message", n)
	e.msgText(n)
	e.data("userData", n.Data)
	e.data("eventAttributes", n.Attributes)
	e.end("message")
}

func (e *Encoder) notice(n Entry) {
	data := n.Data
	if n.IsFile() {
		data = numericSize(data)
	}
	e.event("notice", n)
	e.open("noticeText", "noticeType", n.NoticeType)
	e.text(n.Text)
	e.raw("</noticeText>")
	e.data("userData", data)
	e.data("eventAttributes", n.Attributes)
	e.end("notice")
}

// numericSize returns a file's data with its size as a number: through GMS, every value is text.
func numericSize(d bridge.Data) bridge.Data {
	size, err := strconv.ParseInt(d.Get(bridge.KeyFileSize), 10, 64)
	if err != nil {
		return d
	}
	return append(bridge.Data{}, d...).Set(bridge.Int(bridge.KeyFileSize, size))
}

func (e *Encoder) partyLeft(n Entry) {
	asker := n.Asker
	if asker == "" {
		asker = n.From.UserID
	}
	e.event("partyLeft", n, "askerId", asker)
	if n.Reason != nil {
		e.open("reason", "code", strconv.FormatInt(n.Reason.Code, 10))
		e.text(n.Reason.Text)
		e.raw("</reason>")
	}
	e.msgText(n)
	e.data("eventAttributes", n.Attributes)
	e.end("partyLeft")
}

func (e *Encoder) reenter(n Entry) {
	e.event("reenter", n, "agents", string(n.Agents), "clients", string(n.Clients))
	e.msgText(n)
	e.data("eventAttributes", n.Attributes)
	e.end("reenter")
}

// msgText writes a message's text; of any other entry, only if it has one.
func (e *Encoder) msgText(n Entry) {
	if n.Type != bridge.Message && n.Text == "" {
		return
	}
	kind := n.MessageType
	if kind == "" {
		kind = plainText
	}
	attributes := []string{"msgType", kind}
	if n.TreatAs != "" {
		attributes = append(attributes, "treatAs", string(n.TreatAs))
	}
	e.open("msgText", attributes...)
	e.text(n.Text)
	e.raw("</msgText>")
}

// event opens an entry's element.
func (e *Encoder) event(name string, n Entry, more ...string) {
	visibility := n.Visibility
	if visibility == "" {
		visibility = bridge.All
	}
	shift := max(seconds(n.At)-seconds(e.head.Started), 0)
	attributes := []string{
		"userId", n.From.UserID, "timeShift", strconv.FormatInt(shift, 10),
		"visibility", string(visibility), "eventId", strconv.FormatInt(n.ID, 10),
	}
	if n.Receiver != "" {
		attributes = append(attributes, "receiverId", n.Receiver)
	}
	e.raw("  ")
	e.open(name, append(attributes, more...)...)
}

func (e *Encoder) end(name string) { e.raw("</" + name + ">\n") }

// data writes a collection, unless it is empty.
func (e *Encoder) data(name string, d bridge.Data) {
	if d = withoutSecrets(d); len(d) == 0 {
		return
	}
	e.open(name)
	e.items(d)
	e.raw("</" + name + ">")
}

func (e *Encoder) items(d bridge.Data) {
	for _, item := range d {
		kind := string(item.Type)
		if item.Type == bridge.TypeString {
			kind = typeString
		}
		e.open("item", "key", item.Key, "type", kind)
		if item.Type == bridge.TypeList {
			e.items(item.List)
		} else {
			e.text(item.Text)
		}
		e.raw("</item>")
	}
}

// open writes a start tag with these names and values.
func (e *Encoder) open(name string, attributes ...string) { e.tag(name, attributes, ">") }

func (e *Encoder) empty(name string, attributes ...string) { e.tag(name, attributes, "/>") }

func (e *Encoder) tag(name string, attributes []string, end string) {
	e.raw("<" + name)
	for i := 0; i < len(attributes); i += 2 {
		e.raw(" " + attributes[i] + `="`)
		e.text(attributes[i+1])
		e.raw(`"`)
	}
	e.raw(end)
}

func (e *Encoder) text(s string) { _ = xml.EscapeText(e.w, []byte(s)) } // see err

func (e *Encoder) raw(s string) { _, _ = e.w.WriteString(s) }

// seconds returns a time in milliseconds in whole seconds.
func seconds(ms int64) int64 { return time.UnixMilli(ms).Unix() }
