package bridge

import "strconv"

// EventType says what happened in a chat session.
type EventType string

// The event types, after PSDK's structures NewPartyInfo, PartyLeftInfo,
// MessageInfo and NoticeInfo.
const (
	NewParty  EventType = "new-party"
	PartyLeft EventType = "party-left"
	Message   EventType = "message"
	Notice    EventType = "notice"
)

var eventTypes = []string{string(NewParty), string(PartyLeft), string(Message), string(Notice)}

// Notice types, by their tokens in Chat Server's XML. Those of TypingStarted,
// TypingStopped, PushURL, UpdateUserData and ReadReceipt are not published and were
// chosen after the names in PSDK and GMS.
const (
	SystemCommand = "SYS_COMMAND"
	UserCustom    = "USER_CUSTOM"

	// UpdateNick reports that its sender has a new nickname from now on. The event's
	// party and its text both have it.
	UpdateNick = "USER_UPDATE_NICK"

	TypingStarted  = "TYPING_STARTED" // the text may be a preview of what is typed
	TypingStopped  = "TYPING_STOPPED"
	PushURL        = "PUSH_URL"         // the text is the URL
	UpdateUserData = "UPDATE_USER_DATA" // the data is for the interaction
	ReadReceipt    = "READ_RECEIPT"     // the data says up to which event its sender has read

	IdleControlSet   = "IDLE_CONTROL_SET"   // an agent changes or stops the session's timers
	IdleControlAlert = "IDLE_CONTROL_ALERT" // from the server: the session will close
	IdleControlClose = "IDLE_CONTROL_CLOSE" // from the server: it has closed
)

// Event is one entry of a chat session's transcript.
type Event struct {
	ID         int64 // increasing within the session; every viewer sees gaps
	Type       EventType
	At         int64 // milliseconds since 1970
	From       Party // of a party-left: the party that left
	Visibility Visibility
	Text       string    // of a message; of a notice, the NoticeText, e.g. file-uploaded
	NoticeType string    // of a notice
	Data       Data      // userData, of a notice or a new-party
	Info       *UserInfo // of a new-party
	Reason     *Reason   // of a party-left
	Asker      string    // user id of the party that removed the one that left, if another did

	MessageType string  // of a message, as its sender named it, e.g. text
	TreatAs     TreatAs // of a message
	Receiver    string  // user id: only that party and the sender may see the event
	Attributes  Data    // eventAttributes

	// Vouched says that the server which stored the document posted this file-uploaded
	// notice, so a party may download the file although a customer announced it. Only a
	// backend sets it, and only for parties that it did not register for us.
	Vouched bool

	// Access is what the receiver may do with the file of a file-uploaded notice. Only a
	// proxy sets it, when it delivers the event to a page; see [Shown].
	Access *Access

	// Key is the idempotency key: the same key is never in a transcript twice.
	Key string
}

// TreatAs says how a message is to be shown (PSDK enum TreatAs).
type TreatAs string

const (
	TreatNormal TreatAs = "NORMAL" // the empty value means the same
	TreatSystem TreatAs = "SYSTEM" // as if it was the system's
)

var treatments = []string{string(TreatNormal), string(TreatSystem)}

// Reason says why a party left, by Chat Server's reason codes.
type Reason struct {
	Code int64
	Text string
}

// Reasons that occur here. Their texts are taken from stored transcripts; those of the
// other codes are not published, so Chat Server fills them in.
var (
	ReasonLeft            = Reason{0, "left"}
	ReasonCloseIfNoAgents = Reason{Code: 1}
	ReasonForcedClose     = Reason{2, "left with request to close forcedly"}
	ReasonDisconnected    = Reason{3, "left due to disconnect"}
	ReasonRemoved         = Reason{4, "removed by other party"}
	ReasonSystem          = Reason{Code: 5}
	ReasonSecureKey       = Reason{Code: 6}
	ReasonIdle            = Reason{Code: 7} // of the session
	ReasonRestored        = Reason{Code: 8}
)

// PushedOnly reports whether GMS leaves a departure's quit-reason-code out of the responses
// of its chat API: those of a logout and of inactivity are only in what it pushes.
func (r Reason) PushedOnly() bool {
	return r.Code == ReasonLeft.Code || r.Code == ReasonDisconnected.Code
}

// Where a party-left event has its reason's code, for clients of ClientVersion 106, and a
// new-party event the party's style.
const (
	attributesSystem = "GCTI_SYSTEM"
	quitReasonCode   = "quit-reason-code"
	partyInfo        = "party-info"
	partyStyle       = "style"
)

// WithQuitReason returns the attributes of a party-left event, with its reason's code.
func (d Data) WithQuitReason(r Reason) Data {
	code := Text(quitReasonCode, strconv.FormatInt(r.Code, 10))
	return d.copied().Set(List(attributesSystem, d.In(attributesSystem).copied().Set(code)))
}

// WithoutQuitReason returns the attributes without that code.
func (d Data) WithoutQuitReason() Data {
	system := d.In(attributesSystem).Without(quitReasonCode)
	if len(system) == 0 {
		return d.Without(attributesSystem)
	}
	return d.copied().Set(List(attributesSystem, system))
}

// WithStyle returns the attributes of a new-party event, with the party's style.
func (d Data) WithStyle(s PartyStyle) Data {
	system := d.In(attributesSystem).copied()
	info := system.In(partyInfo).copied().Set(Text(partyStyle, string(s)))
	return d.copied().Set(List(attributesSystem, system.Set(List(partyInfo, info))))
}

// Style returns the party style that the attributes of a new-party event have.
func (d Data) Style() PartyStyle {
	return PartyStyle(d.In(attributesSystem).In(partyInfo).Get(partyStyle))
}

// copied returns a collection that can be changed without changing d.
func (d Data) copied() Data { return append(Data(nil), d...) }

// AfterAction is what happens to a session when a party leaves (PSDK enum Action).
type AfterAction string

const (
	KeepAlive       AfterAction = "keep-alive"
	CloseIfNoAgents AfterAction = "close-if-no-agents"
	ForceClose      AfterAction = "force-close"
)

var afterActions = []string{string(KeepAlive), string(CloseIfNoAgents), string(ForceClose)}

// MaxText bounds a message's text, in bytes. Chat Server refuses incoming
// packets over 32,768 bytes, of which about 0.45 is usable text.
const MaxText = 14 << 10

func (e *Event) fields(f fields) {
	f.number("id", &e.ID)
	f.choice("type", (*string)(&e.Type), eventTypes)
	f.number("at", &e.At)
	f.object("from", &e.From, nil)
	f.choice("visibility", (*string)(&e.Visibility), visibilities)
	f.optional("text", &e.Text, MaxText)
	f.optional("notice", &e.NoticeType, 64)
	f.data("data", &e.Data)
	nested(f, "info", &e.Info)
	nested(f, "reason", &e.Reason)
	f.optional("asker", &e.Asker, maxID)
	f.optional("messageType", &e.MessageType, 64)
	f.choiceOr("treatAs", (*string)(&e.TreatAs), treatments)
	f.optional("receiver", &e.Receiver, maxID)
	f.data("attributes", &e.Attributes)
	f.flag("vouched", &e.Vouched)
	nested(f, "access", &e.Access)
	f.optional("key", &e.Key, maxID)
}

// Transient reports whether the event is shown once to those who are there, and not kept:
// it has no id.
func (e Event) Transient() bool { return e.ID == 0 }

func (r *Reason) fields(f fields) {
	f.number("code", &r.Code)
	f.optional("text", &r.Text, 256)
}

func AppendEvent(out []byte, e Event) []byte { return encode(out, &e) }

func ParseEvent(in []byte) (Event, error) {
	var e Event
	n, err := parse(in)
	if err != nil {
		return e, err
	}
	return e, decode(n, &e)
}
