package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// Acts of the log's own.
const (
	actOpened proxy.Action = "opened" // a new file begins; prev is of the file before
	actTorn   proxy.Action = "torn"   // the line before was not finished; after is of the last that was
)

// line is one line of the file, in the order of its members.
type line struct {
	Prev     string          `json:"prev"` // SHA-256 of the line before; empty in the very first
	Time     time.Time       `json:"time"`
	Act      proxy.Action    `json:"act"`
	Session  string          `json:"session,omitempty"`
	User     string          `json:"user,omitempty"`
	Type     bridge.UserType `json:"type,omitempty"`
	Conn     string          `json:"conn,omitempty"`
	Key      string          `json:"key,omitempty"`
	Document string          `json:"document,omitempty"`
	File     string          `json:"file,omitempty"`
	Name     string          `json:"name,omitempty"`
	Size     *int64          `json:"size,omitempty"`
	Digest   string          `json:"digest,omitempty"`
	Verdict  proxy.Verdict   `json:"verdict,omitempty"`
	Code     bridge.Code     `json:"code,omitempty"`
	Tries    int             `json:"tries,omitempty"`
	After    string          `json:"after,omitempty"`
}

// newLine leaves out the name.
func newLine(e proxy.AuditRecord) line {
	return line{
		Time: e.Time, Act: e.Action, Session: e.Session, User: e.UserID, Type: e.UserType, Conn: e.Conn,
		Key: e.Key, Document: e.DocumentID, File: e.FileID, Size: &e.Size, Digest: e.Digest,
		Verdict: e.Verdict, Code: e.Code, Tries: e.Tries,
	}
}

func (l line) text() []byte {
	if l.Time.IsZero() {
		l.Time = time.Now()
	}
	l.Time = l.Time.UTC()
	text, _ := json.Marshal(l) // of text, numbers and a time of our century
	return text
}

// read understands a line; ok tells whether it is one.
func read(text []byte) (l line, ok bool) {
	err := json.Unmarshal(text, &l)
	return l, err == nil && l.Act != ""
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
