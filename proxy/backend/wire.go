package backend

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"attache/bridge"
	"attache/proxy"
)

// The contract's version, which is part of every path except the first.
const version = 1

// The features, which a backend may lack.
const (
	featureNotices      = "notices"       // notices as they were sent, renaming, direct messages
	featureParties      = "parties"       // joins with more than a party, secure keys, passwords, removals
	featureAllowances   = "allowances"    // limits, reservations, attempts
	featureCorrections  = "corrections"   // lowers reservations
	featureTranscripts  = "transcripts"   // transcripts and ended sessions, for the proxy itself
	featureIdle         = "idle-control"  // closes sessions in which nothing happens
	featureLinks        = "links"         // links of documents
	featureLimitChanges = "limit-changes" // reports that limits have changed
	featureFileConfig   = "file-config"   // answers file-client-cfg-get
	featureFileDeletion = "file-deletion" // deletes files by their notice
	featureResponses    = "responses"     // a library of standard responses
	featureUpdates      = "updates"       // of documents
	featureInfo         = "session-info"  // reports what a join said of a session when it changes
	featureVouches      = "vouches"       // marks notices of parties that it did not register for the proxy
)

// Silence on a stream of events.
const (
	heartbeat   = 5 * time.Second  // after which a server writes an empty line
	idleTimeout = 15 * time.Second // after which a client closes the connection
)

// Bounds of input read into memory, in bytes.
const (
	maxBody = 64 << 10
	maxLine = 64 << 10
	maxPage = 1 << 20 // of a transcript
)

// Maximum sizes of a page of a transcript, unless a single event is larger, and of a page
// of ended sessions.
const (
	pageBytes    = 256 << 10
	pageEvents   = 256
	pageSessions = 256
)

// headerDocument carries a document's attributes both ways, as JSON in ASCII:
// a name in a URL would end up in the logs of every reverse proxy.
const headerDocument = "Attache-Document"

type hello struct {
	Versions []int    `json:"versions"`
	Features []string `json:"features"`
	Server   string   `json:"server,omitempty"`
	// MaxDocumentSize is the size of the largest document, in bytes; 0: any.
	MaxDocumentSize int64 `json:"maxDocumentSize,omitempty"`
}

type wireParty struct {
	UserID        string            `json:"userId"`
	Nickname      string            `json:"nickname,omitempty"`
	UserType      bridge.UserType   `json:"userType"`
	Visibility    bridge.Visibility `json:"visibility,omitempty"`
	ClientVersion int64             `json:"clientVersion,omitempty"`

	Style    bridge.PartyStyle   `json:"style,omitempty"`
	PersonID string              `json:"personId,omitempty"`
	TimeZone int64               `json:"timeZone,omitempty,string"` // minutes east of UTC
	Protocol bridge.ProtocolType `json:"protocol,omitempty"`
}

// wireJoin is a party with what it joins with. A backend without the feature parties ignores
// all but the party.
type wireJoin struct {
	wireParty
	SecureKey  string      `json:"secureKey,omitempty"`
	Password   string      `json:"password,omitempty"`
	QueueKey   string      `json:"queueKey,omitempty"`
	Subject    string      `json:"subject,omitempty"`
	UserData   bridge.Data `json:"userData,omitempty"`
	Text       string      `json:"text,omitempty"`
	Attributes bridge.Data `json:"attributes,omitempty"`
	ByProxy    bool        `json:"byProxy,omitempty"`
	Beside     bool        `json:"beside,omitempty"`
}

type wireJoined struct {
	Party    wireParty       `json:"party"`
	Limits   json.RawMessage `json:"limits"`
	Position int64           `json:"position"`

	SecureKey   string `json:"secureKey,omitempty"`
	Attached    bool   `json:"attached,omitempty"`
	Started     int64  `json:"started,omitempty"`
	Saved       int64  `json:"saved,omitempty"`
	IdleExpires int64  `json:"idleExpires,omitempty"`
	Monitored   bool   `json:"monitored,omitempty"`
}

// typeInfo is the type of a line of a stream of events that is not an event: wireInfo.
const typeInfo = "session"

type wireInfo struct {
	Type        string `json:"type"`
	IdleExpires int64  `json:"idleExpires,omitempty"`
	Saved       int64  `json:"saved,omitempty"`
	Monitored   bool   `json:"monitored,omitempty"`
}

type wireLeave struct {
	Code       int64              `json:"code"`
	Text       string             `json:"text,omitempty"`
	After      bridge.AfterAction `json:"after,omitempty"`
	Asker      string             `json:"asker,omitempty"`
	Message    string             `json:"message,omitempty"` // of the party-left event
	Attributes bridge.Data        `json:"attributes,omitempty"`
	ByProxy    bool               `json:"byProxy,omitempty"`
}

type wireReservation struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// wireCorrection is the size that a reserved file turned out to have.
type wireCorrection struct {
	Size int64 `json:"size"`
}

type wireFound struct {
	Event *event `json:"event"` // null: there is none
}

type wireTranscript struct {
	Events []json.RawMessage `json:"events"`
	More   bool              `json:"more,omitempty"`
}

// wireEnded are sessions that have ended, up to the cursor.
type wireEnded struct {
	Sessions []string `json:"sessions"`
	Cursor   string   `json:"cursor"`
}

type wireAttempt struct {
	FileID string `json:"file"`
}

// wireResponses are a page of the library.
type wireResponses struct {
	Responses []wireResponse `json:"responses"`
	More      bool           `json:"more,omitempty"`
}

type wireResponse struct {
	DocumentID  string `json:"documentId"`
	Name        string `json:"name"`
	Folder      string `json:"folder,omitempty"`
	Description string `json:"description,omitempty"`
	Size        int64  `json:"size"`
}

// wireChanges names the latest change of limits.
type wireChanges struct {
	Cursor string `json:"cursor"`
}

type wireStored struct {
	ID string `json:"id"`
}

type wireDocument struct {
	ID          string    `json:"id,omitempty"`
	Name        string    `json:"name"`
	MimeType    string    `json:"mimeType,omitempty"`
	Description string    `json:"description,omitempty"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256,omitempty"` // only the answer to GET and HEAD may lack it
	Created     time.Time `json:"created,omitzero"`
	Session     string    `json:"session,omitempty"`
	UserID      string    `json:"userId,omitempty"`
}

// wireError is {"error":{…}}, the body of every error response and a stream's last line.
type wireError struct {
	Error *struct {
		Code    bridge.Code `json:"code"`
		Message string      `json:"message"`
	} `json:"error"`
}

func (p wireParty) party() bridge.Party {
	return bridge.Party{
		UserID: p.UserID, Nickname: p.Nickname, UserType: p.UserType, Visibility: p.Visibility, ClientVersion: p.ClientVersion,
		Style: p.Style, UserInfo: bridge.UserInfo{PersonID: p.PersonID, TimeZoneOffset: p.TimeZone, Protocol: p.Protocol},
	}
}

func newWireParty(p bridge.Party) wireParty {
	return wireParty{
		UserID: p.UserID, Nickname: p.Nickname, UserType: p.UserType, Visibility: p.Visibility, ClientVersion: p.ClientVersion,
		Style: p.Style, PersonID: p.PersonID, TimeZone: p.TimeZoneOffset, Protocol: p.Protocol,
	}
}

func (j wireJoin) joining() proxy.Joining {
	return proxy.Joining{
		Party: j.party(), SecureKey: j.SecureKey, Password: j.Password, QueueKey: j.QueueKey, Subject: j.Subject,
		UserData: j.UserData, Text: j.Text, Attributes: j.Attributes, ByProxy: j.ByProxy, Beside: j.Beside,
	}
}

func newWireJoin(j proxy.Joining) wireJoin {
	return wireJoin{
		wireParty: newWireParty(j.Party), SecureKey: j.SecureKey, Password: j.Password, QueueKey: j.QueueKey,
		Subject: j.Subject, UserData: j.UserData, Text: j.Text, Attributes: j.Attributes, ByProxy: j.ByProxy, Beside: j.Beside,
	}
}

func (d wireDocument) document() (out proxy.Document, err error) {
	sum, err := hex.DecodeString(d.SHA256)
	if err != nil || len(sum) != 0 && len(sum) != len(out.SHA256) || d.Size < 0 || d.Size > bridge.MaxInteger {
		return out, fmt.Errorf("the header %s needs a size, and its sha256 is a SHA-256 in hex", headerDocument)
	}
	out = proxy.Document{
		ID: d.ID, Name: d.Name, MimeType: d.MimeType, Description: d.Description, Size: d.Size, Created: d.Created,
		Session: d.Session, UserID: d.UserID,
	}
	copy(out.SHA256[:], sum)
	return out.Typed(), nil
}

func encodeDocument(d proxy.Document) (string, error) {
	d = d.Typed()
	w := wireDocument{
		ID: d.ID, Name: d.Name, MimeType: d.MimeType, Description: d.Description, Size: d.Size,
		SHA256: d.Digest(), Created: d.Created.UTC(), Session: d.Session, UserID: d.UserID,
	}
	out, err := json.Marshal(w)
	return ascii(out), err
}

func decodeDocument(header string) (proxy.Document, error) {
	var d wireDocument
	if err := json.Unmarshal([]byte(header), &d); err != nil {
		return proxy.Document{}, fmt.Errorf("the header %s is not JSON: %w", headerDocument, err)
	}
	return d.document()
}

// ascii escapes characters that a header cannot carry, as JSON does.
func ascii(in []byte) string {
	out := make([]byte, 0, len(in))
	for len(in) > 0 {
		r, n := utf8.DecodeRune(in)
		in = in[n:]
		switch {
		case r < utf8.RuneSelf && r != 0x7f:
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return string(out)
}
