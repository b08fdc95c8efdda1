package proxy

import (
	"context"
	"errors"
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
	Expires    time.Time
	Ends       time.Time // zero: at Expires
}

// Wish names the file that a party would like to download.
type Wish struct {
	FileID  string
	Attempt string // 32 hex digits, random: names one download, whatever is repeated
	Conn    string // names the caller's connection in the audit log
}

// Authorize gives a party the right to fetch one file, charges a customer's attempt,
// and writes the grant to the audit log. The file must be announced in this very session,
// visible to this party, and stored by our own delivery or by a trusted party: an id
// alone is never a right. The document is as the store holds it.
func (t *Transfers) Authorize(ctx context.Context, who Identity, w Wish) (Grant, Document, error) {
	if err := who.Rights.Need(bridge.RightDownload); err != nil {
		return Grant{}, Document{}, err
	}
	if _, err := bridge.ParseKey(w.Attempt); err != nil {
		return Grant{}, Document{}, err
	}
	file, err := t.announcedFile(ctx, who, w.FileID)
	if err != nil {
		return Grant{}, Document{}, err
	}
	d, err := t.documentOf(ctx, file)
	if err != nil {
		return Grant{}, Document{}, err
	}
	if err := t.charge(ctx, who, w); err != nil {
		return Grant{}, Document{}, err
	}
	now := time.Now()
	grant := Grant{
		Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Conn: w.Conn,
		FileID: file.ID, DocumentID: file.DocumentID, Name: file.Name.Text,
		Expires: now.Add(t.cfg.TicketTime), Ends: now.Add(max(t.cfg.TicketTime, t.cfg.DownloadTime)),
	}
	if err := t.cfg.Audit.Write(grant.auditRecord(ActionTicket, file.Size)); err != nil {
		return Grant{}, Document{}, err
	}
	return grant, d, nil
}

// announcedFile finds the file in the party's view of the transcript.
func (t *Transfers) announcedFile(ctx context.Context, who Identity, fileID string) (bridge.File, error) {
	e, err := t.cfg.Chat.File(ctx, who.Session, who.Party.UserID, fileID)
	if err != nil {
		return bridge.File{}, err
	}
	file, err := bridge.DecodeFile(e)
	if err != nil {
		return file, err
	}
	if file.Source != bridge.SourceUCS {
		return file, bridge.NewError(bridge.CodeFileForeign, "the file is stored in "+file.Source+", which this proxy cannot read")
	}
	return file, t.vouched(ctx, who.Session, e, file)
}

// vouched returns an error unless a trusted party announced the document, or our own
// delivery stored it. A customer may have named any document id in a notice of its
// own; the record of our delivery proves that it did not.
func (t *Transfers) vouched(ctx context.Context, session string, e bridge.Event, file bridge.File) error {
	if e.From.UserType.Trusted() {
		return nil
	}
	record, err := t.cfg.Records.Get(ctx, session, file.Key)
	switch {
	case err == nil && record.DocumentID == file.DocumentID && delivered(record):
		return nil
	case err != nil && !errors.Is(err, ErrRecordUnknown):
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return bridge.NewError(bridge.CodeFileUnknown, "")
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
func (t *Transfers) documentOf(ctx context.Context, file bridge.File) (Document, error) {
	content, err := t.cfg.Documents.Open(ctx, file.DocumentID)
	if err != nil {
		return Document{}, err
	}
	defer content.Close()
	d := content.Document()
	if d.Size != file.Size {
		return d, bridge.NewError(bridge.CodeDownloadMismatch, "the file was announced with "+strconv.FormatInt(file.Size, 10)+" bytes, and the store holds "+strconv.FormatInt(d.Size, 10))
	}
	return d, nil
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
	if !t.grants.allow(who.seat()+"/"+w.Attempt+"/"+w.FileID, 1) {
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
