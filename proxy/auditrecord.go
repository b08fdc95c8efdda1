package proxy

import (
	"time"

	"attache/bridge"
)

// Action says what a record of the audit log is about.
type Action string

const (
	ActionRefused   Action = "refused"   // a file was offered and not taken; the code says why
	ActionVerdict   Action = "verdict"   // the scanner did not release a file
	ActionAnnounced Action = "announced" // an upload's end, as its three final states
	ActionFailed    Action = "failed"
	ActionCancelled Action = "cancelled"
	ActionTicket    Action = "ticket"   // a party was given the right to fetch a file
	ActionDeleted   Action = "deleted"  // a party has deleted an announced file
	ActionLimits    Action = "limits"   // the limits are changed; By and Change say how
	ActionDownload  Action = "download" // a party uses that right at this proxy, once or often

	ActionTranscript Action = "transcript" // a session's transcript was read over HTTP
	ActionMail       Action = "mail"       // the end of a session's e-mail; the code says why it was not sent
)

// AuditRecord is an entry of the audit log: which party did what. Unknown fields are
// empty. It has no field that could hold a token or a ticket.
type AuditRecord struct {
	Time     time.Time // when it happened; zero: now
	Action   Action
	Session  string
	UserID   string
	UserType bridge.UserType
	Conn     string // id of the connection on which it was requested, as in the log

	Key        string // the upload's
	DocumentID string
	FileID     string
	Name       string // written only if the log's option Names is set
	Size       int64
	Digest     string // SHA-256 in hex
	Verdict    Verdict
	Code       bridge.Code
	Tries      int
	Audience   string // of a transcript

	By     string // who changes the limits, as far as it is known
	Change string // of the limits: NAME=FROM>TO, separated by blanks
}

// AuditRecord returns the audit log's entry about an upload.
func (r Record) AuditRecord(action Action) AuditRecord {
	return AuditRecord{
		Time: r.Changed, Action: action, Session: r.Session, UserID: r.UserID, UserType: r.UserType, Conn: r.Conn,
		Key: r.Key, DocumentID: r.DocumentID, FileID: r.FileID, Name: r.Name, Size: r.Size, Digest: r.Digest,
		Verdict: r.Verdict, Code: r.Code, Tries: r.Tries,
	}
}

// noAudit drops every record.
type noAudit struct{}

func (noAudit) Write(AuditRecord) error { return nil }
