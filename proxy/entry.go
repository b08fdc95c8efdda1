package proxy

import (
	"time"

	"attache/bridge"
)

// Act says what an entry of the audit log is about.
type Act string

// The acts.
const (
	ActRefused   Act = "refused"   // a file was offered and not taken; the code says why
	ActVerdict   Act = "verdict"   // the scanner let a file not pass
	ActAnnounced Act = "announced" // an upload's end, as the three states
	ActFailed    Act = "failed"
	ActCancelled Act = "cancelled"
	ActTicket    Act = "ticket"   // a party was given the right to fetch a file
	ActDownload  Act = "download" // and makes use of it at this proxy, once or again and again
)

// Entry is who did what, for the audit log. What is not known is left empty.
// There is no room in it for a token or a ticket.
type Entry struct {
	Time     time.Time // when it happened; zero: now
	Act      Act
	Session  string
	UserID   string
	UserType bridge.UserType
	Conn     string // the connection it was asked for on, as in the log

	Key        string // the upload's
	DocumentID string
	FileID     string
	Name       string // kept only where names are asked for
	Size       int64
	Digest     string // SHA-256 in hex
	Verdict    Verdict
	Code       bridge.Code
	Tries      int
}

// Entry is what the audit log keeps of an upload.
func (r Record) Entry(act Act) Entry {
	return Entry{
		Time: r.Changed, Act: act, Session: r.Session, UserID: r.UserID, UserType: r.UserType, Conn: r.Conn,
		Key: r.Key, DocumentID: r.DocumentID, FileID: r.FileID, Name: r.Name, Size: r.Size, Digest: r.Digest,
		Verdict: r.Verdict, Code: r.Code, Tries: r.Tries,
	}
}

// noAudit is the log of who keeps none.
type noAudit struct{}

func (noAudit) Write(Entry) error { return nil }
