package bridge

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

// Notice types, by their tokens in Chat Server's XML.
const (
	SystemCommand = "SYS_COMMAND"
	UserCustom    = "USER_CUSTOM"

	// UpdateNick reports that its sender has a new nickname from now on. The event's
	// party and its text both have it.
	UpdateNick = "USER_UPDATE_NICK"
)

// Event is one entry of a chat session's transcript.
type Event struct {
	ID         int64 // increasing within the session; every viewer sees gaps
	Type       EventType
	At         int64 // milliseconds since 1970
	From       Party // of a party-left: the party that left
	Visibility Visibility
	Text       string  // of a message; of a notice, the NoticeText, e.g. file-uploaded
	NoticeType string  // of a notice
	Data       Data    // userData of a notice
	Reason     *Reason // of a party-left
	// Key is the idempotency key: the same key is never in a transcript twice.
	Key string
}

// Reason says why a party left, by Chat Server's reason codes.
type Reason struct {
	Code int64
	Text string
}

// Reasons that occur here. Their texts are taken from stored transcripts.
var (
	ReasonLeft         = Reason{0, "left"}
	ReasonForcedClose  = Reason{2, "left with request to close forcedly"}
	ReasonDisconnected = Reason{3, "left due to disconnect"}
	ReasonRemoved      = Reason{4, "removed by other party"}
)

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
	nested(f, "reason", &e.Reason)
	f.optional("key", &e.Key, maxID)
}

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
