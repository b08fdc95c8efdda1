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
	featureAllowances  = "allowances"  // limits, reservations, attempts
	featureTranscripts = "transcripts" // transcripts and ended sessions, for the proxy itself
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
}

type wireParty struct {
	UserID        string            `json:"userId"`
	Nickname      string            `json:"nickname,omitempty"`
	UserType      bridge.UserType   `json:"userType"`
	Visibility    bridge.Visibility `json:"visibility,omitempty"`
	ClientVersion int64             `json:"clientVersion,omitempty"`
}

type wireJoined struct {
	Party    wireParty       `json:"party"`
	Limits   json.RawMessage `json:"limits"`
	Position int64           `json:"position"`
}

type wireLeave struct {
	Code  int64              `json:"code"`
	Text  string             `json:"text,omitempty"`
	After bridge.AfterAction `json:"after,omitempty"`
}

type wireReservation struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
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

type wireStored struct {
	ID string `json:"id"`
}

type wireDocument struct {
	ID          string    `json:"id,omitempty"`
	Name        string    `json:"name"`
	MimeType    string    `json:"mimeType,omitempty"`
	Description string    `json:"description,omitempty"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256"`
	Created     time.Time `json:"created,omitzero"`
}

// wireError is {"error":{…}}, the body of every error response and a stream's last line.
type wireError struct {
	Error *struct {
		Code    bridge.Code `json:"code"`
		Message string      `json:"message"`
	} `json:"error"`
}

func (p wireParty) party() bridge.Party { return bridge.Party(p) }

func (d wireDocument) document() (out proxy.Document, err error) {
	sum, err := hex.DecodeString(d.SHA256)
	if err != nil || len(sum) != len(out.SHA256) || d.Size < 0 {
		return out, fmt.Errorf("the header %s needs a size and a SHA-256 in hex", headerDocument)
	}
	out = proxy.Document{
		ID: d.ID, Name: d.Name, MimeType: d.MimeType, Description: d.Description, Size: d.Size,
		SHA256: [32]byte(sum), Created: d.Created,
	}
	return out, nil
}

func encodeDocument(d proxy.Document) (string, error) {
	out, err := json.Marshal(wireDocument{
		ID: d.ID, Name: d.Name, MimeType: d.MimeType, Description: d.Description, Size: d.Size,
		SHA256: hex.EncodeToString(d.SHA256[:]), Created: d.Created.UTC(),
	})
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
