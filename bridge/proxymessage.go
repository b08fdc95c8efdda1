package bridge

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

	// IdleExpires is when the session closes unless something happens, in milliseconds since
	// 1970; 0: never, or the party's ClientVersion does not know it.
	IdleExpires int64

	Started   int64 // when the session began, milliseconds since 1970
	Saved     int64 // id of the last event that is stored elsewhere, such as in UCS; 0: none
	Monitored bool  // a hidden party is in, as far as the party may know
	Attached  bool  // another program registered the party, and takes it out
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
	f.count("idleExpires", &m.IdleExpires)
	f.count("started", &m.Started)
	f.count("saved", &m.Saved)
	f.flag("monitored", &m.Monitored)
	f.flag("attached", &m.Attached)
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

// Scan says that the file of an Ask is being scanned before its first byte leaves,
// because it did not come through this proxy's own delivery: Ticket or Fail follows.
type Scan struct{ Ref int64 }

func (m *Scan) kind() string    { return typeScanning }
func (m *Scan) fields(f fields) { f.number("ref", &m.Ref) }

// Found is a page of the library of standard responses.
type Found struct {
	Ref       int64
	Responses []Response
	More      bool // after the last one there are others
}

func (m *Found) kind() string { return typeFound }
func (m *Found) fields(f fields) {
	f.number("ref", &m.Ref)
	list(f, "responses", &m.Responses, MaxFound)
	f.flag("more", &m.More)
}

// MaxFound is how many standard responses one message has at most.
const MaxFound = 32

// Response is a prepared document that agents may attach.
type Response struct {
	DocumentID  string
	Name        string // of the file
	Folder      string // where it stands in the library, with slashes
	Description string
	Size        int64 // bytes
}

func (r *Response) fields(f fields) {
	f.text("document", &r.DocumentID, MaxValue)
	f.text("name", &r.Name, 4*MaxNameLength)
	f.optional("folder", &r.Folder, 256)
	f.optional("description", &r.Description, 512)
	f.number("size", &r.Size)
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

// SessionChanged carries what Welcome said of the session and what may change, after a change
// of any of it.
type SessionChanged struct {
	IdleExpires int64
	Saved       int64
	Monitored   bool
}

func (m *SessionChanged) kind() string { return typeSession }
func (m *SessionChanged) fields(f fields) {
	f.count("idleExpires", &m.IdleExpires)
	f.count("saved", &m.Saved)
	f.flag("monitored", &m.Monitored)
}

// Bye is the proxy's last message on a connection that it closes in an orderly way.
// After is how many milliseconds to wait before reconnecting.
type Bye struct{ After int64 }

func (m *Bye) kind() string    { return typeBye }
func (m *Bye) fields(f fields) { f.count("after", &m.After) }

// Ready is the answer to Hello on the data socket.
type Ready struct {
	MaxFrame  int64
	Offers    bool // a file may come whole with its offer, in one frame
	Unchecked bool // frames need no checksum, because nothing in between reads them
}

func (m *Ready) kind() string { return typeReady }
func (m *Ready) fields(f fields) {
	f.number("maxFrame", &m.MaxFrame)
	f.flag("offers", &m.Offers)
	f.flag("unchecked", &m.Unchecked)
}

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
