package proxy

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"attache/bridge"
)

// Wish names the file that a party would like to download.
type Wish struct {
	FileID  string
	Attempt string // 32 hex digits, random: names one download, whatever is repeated
	Conn    string // names the caller's connection in the audit log
}

// Authorize gives a party the right to fetch one file, charges a customer's attempt,
// and writes the grant to the audit log. The file must be announced in this very session,
// visible to this party, and stored by our own delivery, announced by a trusted party or
// vouched for: an id alone is never a right. The document is as the store holds it; if our
// delivery did not scan it, Authorize waits until it was found clean, and it is as it was
// scanned.
func (t *Transfers) Authorize(ctx context.Context, who Identity, w Wish) (Grant, Document, error) {
	asked, err := t.ask(ctx, who, w)
	if err == nil && asked.unscanned {
		err = asked.inspect(ctx)
	}
	if err != nil {
		return Grant{}, Document{}, err
	}
	return asked.grant(ctx)
}

// asked is a wish for a file that the party may have, once it was scanned.
type asked struct {
	transfers *Transfers
	who       Identity
	wish      Wish
	file      bridge.File
	document  Document
	clean     [32]byte // SHA-256 of what our delivery has found clean; zero: nothing
	unscanned bool     // the document is not known to be that
}

// ask checks a wish. It does not wait for a scan.
func (t *Transfers) ask(ctx context.Context, who Identity, w Wish) (*asked, error) {
	if err := who.Rights.Need(bridge.RightDownload); err != nil {
		return nil, err
	}
	if _, err := bridge.ParseKey(w.Attempt); err != nil {
		return nil, err
	}
	a := &asked{transfers: t, who: who, wish: w}
	if err := a.find(ctx); err != nil {
		return nil, err
	}
	d, err := t.documentOf(ctx, a.who.Session, a.file)
	if err != nil {
		return nil, err
	}
	a.document = d
	a.unscanned = t.cfg.Inspector != nil && (a.clean == [32]byte{} || a.clean != d.SHA256)
	return a, nil
}

// find finds the file in the party's view of the transcript, and decides whether its notice
// may be believed. A customer may have named any document id in a notice of its own; the
// record of our delivery proves that it did not.
func (a *asked) find(ctx context.Context) error {
	t := a.transfers
	e, err := t.cfg.Chat.File(ctx, a.who.Session, a.who.Party.UserID, a.wish.FileID)
	if err != nil {
		return err
	}
	e.Access = nil // only a proxy sets it, and this one decides now
	// Another connection of the party may know a higher version than this one.
	if !a.who.Party.Sees(e) {
		return bridge.NewError(bridge.CodeFileUnknown, "")
	}
	if a.file, err = bridge.DecodeFile(e); err != nil {
		return err
	}
	if a.file.Source != bridge.SourceUCS {
		return bridge.NewError(bridge.CodeFileForeign, "the file is stored in "+a.file.Source+", which this proxy cannot read")
	}
	trusted := e.From.UserType.Trusted()
	if trusted && t.cfg.Inspector == nil {
		return nil
	}
	record, ours, err := t.deliveryOf(ctx, a.who.Session, a.file)
	if err != nil {
		return err
	}
	if ours && record.Verdict == Clean {
		a.clean = record.Document().SHA256
	}
	if ours || trusted {
		return nil
	}
	if believed, err := t.vouches(ctx, a.who.Session, e); believed || err != nil {
		return err
	}
	return bridge.NewError(bridge.CodeFileUnknown, "")
}

// deliveryOf returns the record of our own delivery of the file's document, if there is one.
func (t *Transfers) deliveryOf(ctx context.Context, session string, file bridge.File) (record Record, ours bool, err error) {
	record, err = t.cfg.Records.Get(ctx, session, file.Key)
	if err != nil && !errors.Is(err, ErrRecordUnknown) {
		return record, false, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return record, err == nil && record.DocumentID == file.DocumentID && delivered(record), nil
}

// inspect waits until the document was scanned.
func (a *asked) inspect(ctx context.Context) error {
	content, err := a.transfers.cfg.Inspector.Inspect(ctx, a.file.DocumentID, a.clean)
	if rejected, ok := errors.AsType[*RejectedError](err); ok {
		a.auditVerdict(rejected)
	}
	if err != nil {
		return err
	}
	defer content.Close()
	a.document = content.Document()
	return checkSize(a.file, a.document)
}

// auditVerdict records that a file was not handed out. If the audit log cannot be written,
// the ordinary log has it. Of many verdicts in a short time only the first are recorded.
func (a *asked) auditVerdict(rejected *RejectedError) {
	t := a.transfers
	if ok, last := t.refusals.Try(a.who.seat(), 1); !ok && !last {
		return
	}
	e := a.granted().auditRecord(ActionVerdict, a.file.Size)
	e.Verdict, e.Digest, e.Code = rejected.Verdict, rejected.Digest, bridge.CodeOf(rejected)
	if err := t.cfg.Audit.Write(e); err != nil {
		t.cfg.Log.Error("a verdict is not in the audit log", "session", e.Session, "user", e.UserID, "document", e.DocumentID, "verdict", e.Verdict, "error", err)
	}
}

// grant charges the attempt and gives the right.
func (a *asked) grant(ctx context.Context) (Grant, Document, error) {
	t := a.transfers
	if err := t.charge(ctx, a.who, a.wish); err != nil {
		return Grant{}, Document{}, err
	}
	g := a.granted()
	if err := t.cfg.Audit.Write(g.auditRecord(ActionTicket, a.file.Size)); err != nil {
		return Grant{}, Document{}, err
	}
	return g, a.document, nil
}

func (a *asked) granted() Grant {
	t, now := a.transfers, time.Now()
	g := Grant{
		Session: a.who.Session, UserID: a.who.Party.UserID, UserType: a.who.Party.UserType, Conn: a.wish.Conn,
		FileID: a.file.ID, DocumentID: a.file.DocumentID, Name: a.file.Name.Text,
		Expires: now.Add(t.cfg.TicketTime), Ends: now.Add(max(t.cfg.TicketTime, t.cfg.DownloadTime)),
	}
	if t.cfg.Inspector != nil {
		g.Digest, g.Spooled = a.document.Digest(), a.unscanned
	}
	return g
}

// sum is the digest of the content that was found clean, if there is one.
func (g Grant) sum() (sum [32]byte, ok bool) {
	raw, err := hex.DecodeString(g.Digest)
	n := copy(sum[:], raw)
	return sum, err == nil && n == len(sum)
}
