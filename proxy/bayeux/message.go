package bayeux

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// Message is a message of a client. Members of a wrong type count as missing, because clients
// differ: an id may be a number, a subscription one channel or several.
type Message struct {
	Channel  string
	ClientID string
	Data     json.RawMessage
	Ext      map[string]json.RawMessage
	Header   http.Header // of the request that brought it, or that the socket began with

	id             json.RawMessage // a string or a number, which the reply repeats; nil: none
	version        string          // of a handshake, the lowest that the client speaks
	transports     []string        // of a handshake
	connectionType string          // of a connect
	timeout        *int64          // of a connect: the client's own advice, milliseconds
	subscriptions  []string
}

// wireMessage is a message as encoding/json reads it.
type wireMessage struct {
	Channel        text
	ID             json.RawMessage
	ClientID       text
	Data           json.RawMessage
	Ext            object
	Version        text
	MinimumVersion text
	Transports     texts `json:"supportedConnectionTypes"`
	ConnectionType text
	Advice         object
	Subscription   texts
}

var (
	errNoMessage = errors.New("a request has a Bayeux message or an array of them")
	errTooMany   = errors.New("too many Bayeux messages in one request")
)

// Read reads a message, or an array of at most that many.
func Read(body []byte, most int) ([]Message, error) {
	body = bytes.TrimSpace(body)
	var each []json.RawMessage
	switch {
	case len(body) == 0:
		return nil, errNoMessage
	case body[0] == '[':
		if err := json.Unmarshal(body, &each); err != nil {
			return nil, fmt.Errorf("the request is not JSON: %w", err)
		}
	default:
		each = []json.RawMessage{body}
	}
	if len(each) == 0 {
		return nil, errNoMessage
	}
	if len(each) > most {
		return nil, errTooMany
	}
	messages := make([]Message, len(each))
	for i, raw := range each {
		var err error
		if messages[i], err = readMessage(raw); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

func readMessage(raw json.RawMessage) (Message, error) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return Message{}, errNoMessage
	}
	var w wireMessage
	if err := json.Unmarshal(raw, &w); err != nil {
		return Message{}, fmt.Errorf("a message is not JSON: %w", err)
	}
	m := Message{
		Channel: string(w.Channel), ClientID: string(w.ClientID), Data: w.Data, Ext: w.Ext,
		version: string(w.MinimumVersion), transports: w.Transports, connectionType: string(w.ConnectionType),
		subscriptions: w.Subscription,
	}
	if m.version == "" {
		m.version = string(w.Version)
	}
	if string(m.Data) == "null" {
		m.Data = nil
	}
	if ms, ok := integer(w.Advice["timeout"]); ok {
		m.timeout = &ms
	}
	m.id = readID(w.ID)
	return m, nil
}

// maxID is the longest id that a reply repeats. Ids of clients are short numbers.
const maxID = 256

func readID(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || len(raw) > maxID {
		return nil
	}
	var s string
	if json.Unmarshal(raw, &s) == nil && raw[0] == '"' {
		id, _ := json.Marshal(s)
		return id
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil && raw[0] != 'n' {
		return raw
	}
	return nil
}

// acked returns the last batch that a connect acknowledges; false if it says nothing about it.
func (m Message) acked() (int64, bool) { return integer(m.Ext["ack"]) }

// wantsAcks reports whether a handshake asks for the acknowledgement extension: with true, or as
// newer clients may with an object.
func (m Message) wantsAcks() bool {
	raw := m.Ext["ack"]
	var yes bool
	if json.Unmarshal(raw, &yes) == nil {
		return yes
	}
	var o struct{ Enabled bool }
	return json.Unmarshal(raw, &o) == nil && o.Enabled
}

func integer(raw json.RawMessage) (int64, bool) {
	var n json.Number
	if len(raw) == 0 || raw[0] == 'n' || json.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f < -1<<53 || f > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// text is a string, or a number as it is written; anything else is empty.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		*t = text(s)
	case json.Unmarshal(raw, &n) == nil:
		*t = text(n)
	}
	return nil
}

// texts is a string or an array of them.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var one text
	var all []text
	if json.Unmarshal(raw, &all) == nil {
		for _, s := range all {
			*t = append(*t, string(s))
		}
	} else if one.UnmarshalJSON(raw); one != "" {
		*t = texts{string(one)}
	}
	return nil
}

// object is an object; anything else is nil.
type object map[string]json.RawMessage

func (o *object) UnmarshalJSON(raw []byte) error {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) == nil {
		*o = m
	}
	return nil
}

// printable returns s for an error text: bounded, and without what a log or a page could trip on.
func printable(s string) string {
	if len(s) > 64 {
		s = s[:64]
		for len(s) > 0 && !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}
