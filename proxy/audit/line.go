package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// The log's own actions.
const (
	actionOpened proxy.Action = "opened" // a new file begins; prev is the last hash of the file before
	actionTorn   proxy.Action = "torn"   // the line before is incomplete; after is the hash of the last complete one
)

// line is one line of the file, in the order of its members.
type line struct {
	Prev     string          `json:"prev"` // SHA-256 of the line before; empty in the very first
	Time     time.Time       `json:"time"`
	Action   proxy.Action    `json:"action"`
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
	By       string          `json:"by,omitempty"`
	Change   string          `json:"change,omitempty"`
	After    string          `json:"after,omitempty"`
	Audience string          `json:"audience,omitempty"`
}

// newLine omits the name.
func newLine(r proxy.AuditRecord) line {
	return line{
		Time: r.Time, Action: r.Action, Session: r.Session, User: r.UserID, Type: r.UserType, Conn: r.Conn,
		Key: r.Key, Document: r.DocumentID, File: r.FileID, Size: &r.Size, Digest: r.Digest,
		Verdict: r.Verdict, Code: r.Code, Tries: r.Tries, Audience: r.Audience, By: r.By, Change: r.Change,
	}
}

func (l line) text() []byte {
	if l.Time.IsZero() {
		l.Time = time.Now()
	}
	l.Time = l.Time.UTC()
	text, _ := json.Marshal(l) // cannot fail: text, numbers and a time of our century
	return text
}

// parse parses a line and reports whether it is one.
func parse(text []byte) (l line, ok bool) {
	err := json.Unmarshal(text, &l)
	return l, err == nil && l.Action != ""
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
