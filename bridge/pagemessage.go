package bridge

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
	// SecureKey is the key of a party that was registered elsewhere, such as by the agent's
	// desktop: the page attaches as that party. It may be in the token instead.
	SecureKey string
}

func (m *Hello) kind() string { return typeHello }
func (m *Hello) fields(f fields) {
	f.text("token", &m.Token, MaxHello)
	f.count("position", &m.Position)
	f.count("clientVersion", &m.ClientVersion)
	f.optional("agent", &m.Agent, 64)
	f.count("ping", &m.Ping)
	f.optional("secureKey", &m.SecureKey, 256)
}

// Say is a text message for the chat.
type Say struct {
	Ref        int64
	Key        string // prevents a second copy after a reconnect
	Text       string
	Visibility Visibility
	// Receiver is the user id of the only party that may see it; empty: not a direct message.
	Receiver    string
	MessageType string
	TreatAs     TreatAs
}

func (m *Say) kind() string { return typeSay }
func (m *Say) fields(f fields) {
	f.number("ref", &m.Ref)
	f.text("key", &m.Key, 32)
	f.text("text", &m.Text, MaxText)
	f.choiceOr("visibility", (*string)(&m.Visibility), visibilities)
	f.receiver("receiver", &m.Receiver)
	f.optional("messageType", &m.MessageType, 64)
	f.choiceOr("treatAs", (*string)(&m.TreatAs), treatments)
}

// Notify asks for a notice to the chat. The rules for each type are in [NoticeRules].
type Notify struct {
	Ref        int64
	Key        string // prevents a second one after a reconnect; a transient notice has none
	Notice     string // its type
	Text       string // of a system command, which one
	Data       Data
	Visibility Visibility
	Receiver   string // user id of the only party that may see it; empty: everybody
}

func (m *Notify) kind() string { return typeNotify }
func (m *Notify) fields(f fields) {
	f.number("ref", &m.Ref)
	f.optional("key", &m.Key, 32)
	f.text("notice", &m.Notice, 64)
	f.optional("text", &m.Text, MaxText)
	f.data("data", &m.Data)
	f.choiceOr("visibility", (*string)(&m.Visibility), visibilities)
	f.receiver("receiver", &m.Receiver)
}

// Find lists or searches the library of standard responses.
type Find struct {
	Ref   int64
	Words string // of the name, the folder or the description; empty: all
	After string // the last document id that the page has; empty: from the beginning
}

func (m *Find) kind() string { return typeFind }
func (m *Find) fields(f fields) {
	f.number("ref", &m.Ref)
	f.optional("words", &m.Words, 256)
	f.optional("after", &m.After, MaxValue)
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
	// Acked is how many bytes the proxy has said to be durable, in accepts and acks that
	// this page has received itself; nil if there were none: the page may have been
	// reloaded.
	Acked *int64
}

func (m *Offer) kind() string { return typeOffer }
func (m *Offer) fields(f fields) {
	f.text("key", &m.Key, 32)
	f.text("name", &m.Name, MaxMessage) // CheckName refuses a long one, by a code of its own
	f.number("size", &m.Size)
	f.optional("mime", &m.MimeType, 256)
	f.choiceOr("uploadType", &m.UploadType, uploadTypes)
	f.optional("description", &m.Description, MaxValue)
	f.optional("digest", &m.Digest, 64)
	f.choiceOr("visibility", (*string)(&m.Visibility), visibilities)
	f.data("custom", &m.Custom)
	f.optional("after", &m.After, 32)
	f.position("acked", &m.Acked, &m.Size)
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
