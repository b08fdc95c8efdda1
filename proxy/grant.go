package proxy

import (
	"context"
	"strconv"
	"time"

	"attache/bridge"
)

// Grant is the right to fetch one document for a while: the content of a download ticket.
// The holder of the ticket may begin a download until Expires, and until Ends may resume
// one of the same content; whether the party still has the right is asked at every
// request.
type Grant struct {
	Session    string
	UserID     string
	UserType   bridge.UserType
	Conn       string // the connection that the ticket was asked for on
	FileID     string
	DocumentID string
	Name       string // as announced

	// Digest is the SHA-256, in hex, of the content that was found clean; empty: there was no
	// scanner. Spooled says that our delivery did not scan it, so that the Inspector has it.
	Digest  string
	Spooled bool

	Expires time.Time
	Ends    time.Time // zero: at Expires
}

// delivered reports whether an upload may have been announced: the notice is seen
// a moment before the record says so. With a scanner, its verdict was clean.
func delivered(r Record) bool {
	switch r.State {
	case bridge.Accepted, bridge.Stored, bridge.Announced:
		return true
	}
	return r.State == bridge.Scanning && r.Verdict == Clean
}

// documentOf returns the document of a file, if it is as large as its notice says: the
// store may hold another one under that id by now, or none.
func (t *Transfers) documentOf(ctx context.Context, session string, file bridge.File) (Document, error) {
	content, err := t.openNamed(ctx, session, file.DocumentID)
	if err != nil {
		return Document{}, err
	}
	defer content.Close()
	return content.Document(), checkSize(file, content.Document())
}

func checkSize(file bridge.File, d Document) error {
	if d.Size != file.Size {
		return bridge.NewError(bridge.CodeDownloadMismatch, "the file was announced with "+strconv.FormatInt(file.Size, 10)+" bytes, and the store holds "+strconv.FormatInt(d.Size, 10))
	}
	return nil
}

// Bounds of the grants for one attempt of a customer. A cut download needs a few;
// without a bound, one attempt would allow any number of downloads. Each proxy counts
// for itself.
const (
	attemptGrants = 10          // at once
	attemptEvery  = time.Minute // and one more
)

// charge takes one of a customer's attempts, once for the same key.
func (t *Transfers) charge(ctx context.Context, who Identity, w Wish) error {
	a, ok := t.cfg.Chat.(Allowances)
	if !ok || !who.customer() {
		return nil
	}
	if err := a.Attempt(ctx, who.Session, who.Party.UserID, w.Attempt, w.FileID); err != nil {
		return err
	}
	if !t.grants.Allow(who.seat()+"/"+w.Attempt+"/"+w.FileID, 1) {
		return bridge.NewError(bridge.CodeBusy, "this download was requested "+strconv.Itoa(attemptGrants)+" times in a short time; one more link is issued each minute")
	}
	return nil
}

func (g Grant) auditRecord(action Action, size int64) AuditRecord {
	return AuditRecord{
		Action: action, Session: g.Session, UserID: g.UserID, UserType: g.UserType, Conn: g.Conn,
		DocumentID: g.DocumentID, FileID: g.FileID, Name: g.Name, Size: size,
	}
}
