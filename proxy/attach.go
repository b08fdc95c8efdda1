package proxy

import (
	"cmp"
	"context"
	"errors"
	"time"

	"attache/bridge"
)

// Attachment is a stored document that a party would like to send into its session.
type Attachment struct {
	Key         string // 32 hex digits, random: names one attachment, whatever is repeated
	Conn        string // names the caller's connection in the audit log and in the record
	DocumentID  string
	Description string // empty: the document's
	Custom      bridge.Data
	Visibility  bridge.Visibility // empty: all
}

// noLibrary is the library of an installation without standard responses.
type noLibrary struct{}

func (noLibrary) Find(context.Context, string, string, int) ([]bridge.Response, bool, error) {
	return nil, false, bridge.NewError(bridge.CodeLibrary, "")
}

func (noLibrary) Document(context.Context, string) (Document, Verdict, error) {
	return Document{}, Unknown, bridge.NewError(bridge.CodeLibrary, "")
}

// FindResponses returns a page of the library of standard responses, of at most
// [bridge.MaxFound], as [Library] does. Customers have none.
func (t *Transfers) FindResponses(ctx context.Context, who Identity, words, after string) (found []bridge.Response, more bool, err error) {
	if err := mayAttach(who); err != nil {
		if e := bridge.AsError(err); who.Party.UserType == bridge.Client {
			e.Message = "customers cannot search standard responses"
		}
		return nil, false, err
	}
	return t.cfg.Library.Find(ctx, words, after, bridge.MaxFound)
}

// mayAttach refuses customers on every front door, whatever their token says: a document id is
// not a right, and a customer knows of no document that it has not sent.
func mayAttach(who Identity) error {
	return bridge.CheckUploadType(bridge.FromStandardResponse, who.Party.UserType, who.Rights)
}

// Attach announces a document of the library in the party's session, or one that the party has
// sent itself, and returns the notice as stored. No byte is uploaded, but the file counts as an
// upload does. With a key that is in the transcript, nothing is announced again. Any other
// document has code document-unknown.
//
// The document is linked before it is announced, by a link of this attachment alone: so it is
// kept as long as this notice, whichever other files with the same document are deleted
// meanwhile. Its record comes last; if it is missing, a repeated request makes it.
func (t *Transfers) Attach(ctx context.Context, who Identity, a Attachment) (bridge.Event, error) {
	e, err := t.attach(ctx, who, a)
	if err != nil {
		t.auditRefusal(who, Offer{Key: a.Key, Conn: a.Conn}, err)
	}
	return e, err
}

func (t *Transfers) attach(ctx context.Context, who Identity, a Attachment) (bridge.Event, error) {
	a.Visibility = cmp.Or(a.Visibility, bridge.All)
	if err := checkAttachment(who, a); err != nil {
		return bridge.Event{}, err
	}
	e, posted, err := t.cfg.Chat.FindKey(ctx, who.Session, a.Key)
	if err != nil {
		return e, err
	}
	if posted {
		return e, t.attachedBefore(ctx, who, a, e)
	}
	found, err := t.attachable(ctx, who, a.DocumentID)
	if err != nil {
		return e, err
	}
	release, err := t.reserveAttached(ctx, who, a.Key, found)
	if err != nil {
		return e, err
	}
	if e, err = t.announceAttached(ctx, who, a, found); err != nil {
		release(err)
		return e, err
	}
	return e, t.recordAttached(ctx, who, a, e, found)
}

// reserveAttached counts the document against the limits, as an offer does its file. The notice
// makes that final; release takes it back if the attachment has failed for good.
func (t *Transfers) reserveAttached(ctx context.Context, who Identity, key string, d attachable) (release func(cause error), err error) {
	limits := t.Limits(who, bridge.Limits{})
	if err := limits.PerFile().Check(d.Name, d.Size); err != nil {
		return nil, err
	}
	if !t.counted(who, limits) {
		return func(error) {}, nil
	}
	counting := t.cfg.Chat.(Allowances)
	if err := counting.Reserve(ctx, who.Session, who.Party.UserID, key, bridge.SafeName(d.Name, "").Text, d.Size); err != nil {
		return nil, err
	}
	return func(cause error) {
		if !unclearOutcome(cause) {
			counting.Release(context.WithoutCancel(ctx), who.Session, who.Party.UserID, key)
		}
	}, nil
}

// announceAttached links the document and posts its notice.
func (t *Transfers) announceAttached(ctx context.Context, who Identity, a Attachment, d attachable) (bridge.Event, error) {
	links, linked := t.cfg.Documents.(Links)
	link := FileLink(who.Session, a.Key)
	if linked {
		if err := links.Link(ctx, d.ID, link); err != nil {
			return bridge.Event{}, err
		}
	}
	e, err := t.cfg.Chat.Post(ctx, who.Session, who.Party.UserID, bridge.Announcement{
		Name: d.Name, Size: d.Size, DocumentID: d.ID, UploadType: d.uploadType,
		Description: cmp.Or(a.Description, d.Description), Key: a.Key, Custom: a.Custom,
	}.Notice(a.Visibility))
	// Another party's notice with that key may have the link.
	if err != nil && linked && !unclearOutcome(err) && bridge.CodeOf(err) != bridge.CodeUploadConflict {
		links.Unlink(context.WithoutCancel(ctx), d.ID, link)
	}
	return e, err
}

// unclearOutcome reports whether a request may have had its effect although it failed.
func unclearOutcome(err error) bool {
	var refusal *bridge.Error
	return !errors.As(err, &refusal) || refusal.Retry
}

// checkAttachment applies the rules of bridge's notice again, for front doors without it.
func checkAttachment(who Identity, a Attachment) error {
	if err := mayAttach(who); err != nil {
		return err
	}
	if _, err := bridge.ParseKey(a.Key); err != nil {
		return err
	}
	if err := bridge.CheckSender(who.Party.UserType, a.Visibility); err != nil {
		return err
	}
	return bridge.CheckCustom(a.Custom)
}

// attachedBefore completes a request that was repeated, even if the document has left the
// library since.
func (t *Transfers) attachedBefore(ctx context.Context, who Identity, a Attachment, e bridge.Event) error {
	if !e.IsFile() || e.From.UserID != who.Party.UserID || e.Data.Get(bridge.KeyDocumentID) != a.DocumentID {
		return bridge.NewError(bridge.CodeUploadConflict, "")
	}
	_, err := t.cfg.Records.Get(ctx, who.Session, a.Key)
	if !errors.Is(err, ErrRecordUnknown) {
		return err
	}
	found, err := t.attachable(ctx, who, a.DocumentID)
	if code := bridge.CodeOf(err); code == bridge.CodeDocument || code == bridge.CodeLibrary {
		// Without a record its deletion would leave the link.
		file, err := bridge.DecodeFile(e)
		if err != nil {
			return err
		}
		found = attachable{Document{ID: file.DocumentID, Name: file.Name.Text, Size: file.Size}, Unknown, file.UploadType}
		return t.recordAttached(ctx, who, a, e, found)
	}
	if err != nil {
		return err
	}
	return t.recordAttached(ctx, who, a, e, found)
}

// attachable is a document that the party may attach.
type attachable struct {
	Document
	verdict    Verdict
	uploadType string // as its notice says
}

// attachable finds the document in the library, or among those that the party has sent.
func (t *Transfers) attachable(ctx context.Context, who Identity, id string) (attachable, error) {
	d, verdict, missing := t.cfg.Library.Document(ctx, id)
	if code := bridge.CodeOf(missing); code != bridge.CodeDocument && code != bridge.CodeLibrary {
		return attachable{d, verdict, bridge.FromStandardResponse}, missing
	}
	content, err := t.cfg.Documents.Open(ctx, id)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return attachable{}, missing
	}
	if err != nil {
		return attachable{}, err
	}
	defer content.Close()
	if d = content.Document(); d.UserID != who.Party.UserID || d.Session == "" {
		return attachable{}, missing
	}
	return attachable{d, Unknown, bridge.FromFileSystem}, who.Rights.Need(bridge.RightUpload)
}

// recordAttached makes the record of an announced upload: it proves that the notice is ours, and
// by its verdict, that the document was scanned; it is the work item of the file's deletion, and
// the audit log's line.
func (t *Transfers) recordAttached(ctx context.Context, who Identity, a Attachment, e bridge.Event, d attachable) error {
	now := time.Now()
	_, err := t.cfg.Records.Create(ctx, Record{
		Key: a.Key, Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Conn: a.Conn,
		State: bridge.Announced, DocumentID: d.ID, Attached: true, Verdict: d.verdict,
		Name: d.Name, Size: d.Size, MimeType: d.MimeType, UploadType: d.uploadType,
		Description: e.Data.Get(bridge.KeyDescription), Custom: a.Custom, Visibility: e.Visibility,
		Digest: d.Digest(), FileID: e.Data.Get(bridge.KeyFileID), Event: e.ID,
		Created: now, Changed: now,
	})
	if err != nil && !errors.Is(err, ErrRecordExists) {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return nil
}
