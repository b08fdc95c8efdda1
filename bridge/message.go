package bridge

import "strconv"

// A Wire message is one of the structs below; wire.go says which side sends which.
type Wire interface {
	described
	kind() string
}

// AppendMessage appends m as JSON.
func AppendMessage(out []byte, m Wire) []byte {
	w := writer{out: append(out, '{')}
	kind := m.kind()
	w.text("type", &kind, 0)
	m.fields(&w)
	return append(w.out, '}')
}

// FromPage reads a message that a page may send. An error has code message-invalid
// or message-too-large and says what is wrong.
func FromPage(in []byte) (Wire, error) { return parseMessage(in, pageMessage) }

// FromProxy reads a message that a proxy may send.
func FromProxy(in []byte) (Wire, error) { return parseMessage(in, proxyMessage) }

func parseMessage(in []byte, known func(kind string) Wire) (Wire, error) {
	if len(in) > MaxMessage {
		return nil, NewError(CodeMessageSize, "a message has more than "+Bytes(MaxMessage))
	}
	n, err := parse(in)
	if err != nil {
		return nil, err
	}
	if n.kind != '{' || len(n.members) == 0 || n.members[0].key != "type" || n.members[0].value.kind != '"' {
		return nil, invalid(`a message is an object whose first key is "type"`)
	}
	kind := n.members[0].value.str
	m := known(kind)
	if m == nil {
		return nil, invalid("unknown message type " + strconv.Quote(kind))
	}
	n.members = n.members[1:]
	if err := decode(n, m); err != nil {
		return nil, err
	}
	return m, nil
}

func pageMessage(kind string) Wire {
	switch kind {
	case typeHello:
		return new(Hello)
	case typeSay:
		return new(Say)
	case typeOffer:
		return new(Offer)
	case typeCancel:
		return new(Cancel)
	case typeAsk:
		return new(Ask)
	case typeLeave:
		return new(Leave)
	case typePing:
		return new(Ping)
	}
	return nil
}

func proxyMessage(kind string) Wire {
	switch kind {
	case typeWelcome:
		return new(Welcome)
	case typeEvent:
		return new(EventAdded)
	case typeAccept:
		return new(Accept)
	case typeUpload:
		return new(Upload)
	case typeTicket:
		return new(Ticket)
	case typeDone:
		return new(Done)
	case typeFail:
		return new(Fail)
	case typeLimits:
		return new(LimitsChanged)
	case typeBye:
		return new(Bye)
	case typeReady:
		return new(Ready)
	case typeAck:
		return new(Ack)
	}
	return nil
}

// Hello is the first message of either socket.
type Hello struct {
	Token         string
	Position      int64 // the last event the page has; 0: none
	ClientVersion int64 // 0: current
	Agent         string
	// Ping is the longest interval, in milliseconds, at which the proxy is to ping,
	// because something in between closes silent sockets. 0: the proxy's own
	// interval.
	Ping int64
}

func (m *Hello) kind() string { return typeHello }
func (m *Hello) fields(f fields) {
	f.text("token", &m.Token, MaxHello)
	f.count("position", &m.Position)
	f.count("clientVersion", &m.ClientVersion)
	f.optional("agent", &m.Agent, 64)
	f.count("ping", &m.Ping)
}

// Say is a text message for the chat.
type Say struct {
	Ref        int64
	Key        string // prevents a second copy after a reconnect
	Text       string
	Visibility Visibility
}

func (m *Say) kind() string { return typeSay }
func (m *Say) fields(f fields) {
	f.number("ref", &m.Ref)
	f.text("key", &m.Key, 32)
	f.text("text", &m.Text, MaxText)
	f.choiceOr("visibility", (*string)(&m.Visibility), visibilities)
}

// Offer announces a file that the page wants to send. The same key again resumes
// the upload.
type Offer struct {
	Key         string
	Name        string
	Size        int64
	MimeType    string
	UploadType  string
	Description string
	Digest      string // SHA-256 in hex, if known
	Visibility  Visibility
	Custom      Data
	After       string // key of the upload to be announced before this one; may be empty
}

func (m *Offer) kind() string { return typeOffer }
func (m *Offer) fields(f fields) {
	f.text("key", &m.Key, 32)
	f.text("name", &m.Name, 4*MaxNameLength)
	f.number("size", &m.Size)
	f.optional("mime", &m.MimeType, 256)
	f.choiceOr("uploadType", &m.UploadType, uploadTypes)
	f.optional("description", &m.Description, MaxValue)
	f.optional("digest", &m.Digest, 64)
	f.choiceOr("visibility", (*string)(&m.Visibility), visibilities)
	f.data("custom", &m.Custom)
	f.optional("after", &m.After, 32)
}

// Cancel cancels an upload; its stored bytes are removed.
type Cancel struct{ Key string }

func (m *Cancel) kind() string    { return typeCancel }
func (m *Cancel) fields(f fields) { f.text("key", &m.Key, 32) }

// Ask requests a ticket for a download. Asking again with the same attempt
// continues that download and is not charged.
type Ask struct {
	Ref     int64
	File    string // file-id
	Attempt string // 32 hex digits, random, one per user action
}

func (m *Ask) kind() string { return typeAsk }
func (m *Ask) fields(f fields) {
	f.number("ref", &m.Ref)
	f.text("file", &m.File, 64)
	f.text("attempt", &m.Attempt, 32)
}

// Leave removes the party from the chat session.
type Leave struct {
	Ref   int64
	After AfterAction
}

func (m *Leave) kind() string { return typeLeave }
func (m *Leave) fields(f fields) {
	f.number("ref", &m.Ref)
	f.choiceOr("after", (*string)(&m.After), afterActions)
}

// Ping asks whether the proxy is still there: JavaScript cannot send WebSocket pings.
type Ping struct{ Ref int64 }

func (m *Ping) kind() string    { return typePing }
func (m *Ping) fields(f fields) { f.number("ref", &m.Ref) }

// Welcome is the answer to Hello on the session's socket.
type Welcome struct {
	Session  string
	Party    Party
	Rights   []string
	Limits   Limits
	Position int64 // the session's last event
	MaxFrame int64
	Server   string // the proxy's release
	ID       string // of the connection, as in the proxy's log
}

func (m *Welcome) kind() string { return typeWelcome }
func (m *Welcome) fields(f fields) {
	f.text("session", &m.Session, 64)
	f.object("party", &m.Party, nil)
	f.texts("rights", &m.Rights, 16, 64)
	f.object("limits", &m.Limits, nil)
	f.count("position", &m.Position)
	f.number("maxFrame", &m.MaxFrame)
	f.optional("server", &m.Server, 64)
	f.optional("id", &m.ID, 64)
}

// EventAdded carries an event of the transcript.
type EventAdded struct{ Event Event }

func (m *EventAdded) kind() string    { return typeEvent }
func (m *EventAdded) fields(f fields) { f.object("event", &m.Event, nil) }

// Accept asks for the bytes from Offset on.
type Accept struct {
	Key    string
	Offset int64
	Digest string // SHA-256 in hex of the bytes before Offset, if there are any
}

func (m *Accept) kind() string { return typeAccept }
func (m *Accept) fields(f fields) {
	f.text("key", &m.Key, 32)
	f.count("offset", &m.Offset)
	f.optional("digest", &m.Digest, 64)
}

// Upload reports that an upload changed. Event is the notice, in state announced;
// Error is the reason, in state failed.
type Upload struct {
	Key   string
	State UploadState
	Event *Event
	Error *Error
}

func (m *Upload) kind() string { return typeUpload }
func (m *Upload) fields(f fields) {
	f.text("key", &m.Key, 32)
	f.choice("state", (*string)(&m.State), stateNames)
	nested(f, "event", &m.Event)
	nested(f, "error", &m.Error)
}

// Ticket says where to fetch a file: a URL path on the proxy that contains the
// permission. The fetch must begin before Expires (milliseconds since 1970). The
// file must arrive with Size bytes and, unless Digest is empty, this SHA-256 in hex:
// a captive portal that answers in the proxy's place knows neither.
type Ticket struct {
	Ref     int64
	Path    string
	Expires int64
	Size    int64
	Digest  string
}

func (m *Ticket) kind() string { return typeTicket }
func (m *Ticket) fields(f fields) {
	f.number("ref", &m.Ref)
	f.text("path", &m.Path, 4096)
	f.number("expires", &m.Expires)
	f.count("size", &m.Size)
	f.optional("digest", &m.Digest, 64)
}

// Done answers a request that succeeded.
type Done struct {
	Ref   int64
	Event *Event // that the request added to the transcript
}

func (m *Done) kind() string { return typeDone }
func (m *Done) fields(f fields) {
	f.number("ref", &m.Ref)
	nested(f, "event", &m.Event)
}

// Fail answers a request (Ref) or ends an upload on this connection (Key). With
// neither it is about a message that could not be understood, or about the
// connection itself, which then closes.
type Fail struct {
	Ref   int64
	Key   string
	Error Error
}

func (m *Fail) kind() string { return typeFail }
func (m *Fail) fields(f fields) {
	f.count("ref", &m.Ref)
	f.optional("key", &m.Key, 32)
	f.object("error", &m.Error, nil)
}

// LimitsChanged carries the party's limits after a change.
type LimitsChanged struct{ Limits Limits }

func (m *LimitsChanged) kind() string    { return typeLimits }
func (m *LimitsChanged) fields(f fields) { f.object("limits", &m.Limits, nil) }

// Bye is the proxy's last message on a connection that it closes in an orderly way.
// After is how many milliseconds to wait before reconnecting.
type Bye struct{ After int64 }

func (m *Bye) kind() string    { return typeBye }
func (m *Bye) fields(f fields) { f.count("after", &m.After) }

// Ready is the answer to Hello on the data socket.
type Ready struct{ MaxFrame int64 }

func (m *Ready) kind() string    { return typeReady }
func (m *Ready) fields(f fields) { f.number("maxFrame", &m.MaxFrame) }

// Ack reports how many bytes of an upload are durable, and for how many milliseconds
// the store held the last of them: a wait that says nothing about the link.
type Ack struct {
	Key    string
	Stored int64
	Held   int64
}

func (m *Ack) kind() string { return typeAck }
func (m *Ack) fields(f fields) {
	f.text("key", &m.Key, 32)
	f.count("stored", &m.Stored)
	f.count("held", &m.Held)
}

// nested describes an object that may be absent.
func nested[T any, P interface {
	*T
	described
}](f fields, key string, v **T) {
	inner, present := *v, *v != nil
	if !present {
		inner = new(T)
	}
	f.object(key, P(inner), &present)
	// Assigning only on a change keeps encoding free of races, because several
	// goroutines send one event value.
	switch {
	case !present && *v != nil:
		*v = nil
	case present && *v == nil:
		*v = inner
	}
}
