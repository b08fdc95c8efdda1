package proxy

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"attache/bridge"

	"golang.org/x/sync/errgroup"
)

// Offer is a file that a party would like to send.
type Offer struct {
	Key   string // 32 hex digits, random: names one upload, whatever is repeated
	After string // the key of the party's upload that is to be announced before this one; may be empty
	Conn  string // names the caller's connection in the audit log and in the record

	// Limits are the Chat Server's for this party, as joining answered them. The
	// limits of the whole session may be out of date: if the Chat Server counts them,
	// it is asked.
	Limits bridge.Limits

	Name        string
	Size        int64
	MimeType    string
	UploadType  string // empty: from the file system
	Description string
	Custom      bridge.Data
	Visibility  bridge.Visibility // empty: all
	Digest      string            // SHA-256 in hex, if the sender knows it
}

// Offered is an upload whose offer was not refused.
type Offered struct {
	Record Record
	// Incoming says that bytes are expected, from Offset on. Digest is the SHA-256 in
	// hex of the bytes before Offset: a sender that has lost its memory compares its file
	// with it. Without Incoming the upload is complete, or has failed.
	Incoming bool
	Offset   int64
	Digest   string
}

// Offer checks a file by the limits that bind each file. If it may be sent, Offer
// creates the upload's record and takes the right to write its content, or finds both:
// the same key with the same file gets the same answer. A refusal is written to the
// audit log.
func (t *Transfers) Offer(ctx context.Context, who Identity, o Offer) (Offered, error) {
	o = normalizeOffer(o)
	record, u, err := t.takeOffer(ctx, who, o)
	if err != nil {
		t.auditRefusal(who, o, err)
		return Offered{}, err
	}
	out := Offered{Record: record, Incoming: u != nil}
	if u != nil {
		out.Offset, out.Digest = u.resumePoint()
	}
	return out, nil
}

// auditRefusal records a refused offer. If the audit log cannot be written the refusal
// still applies, and the ordinary log has it. After too many refusals of one party, a
// last line with code busy represents all that follow.
func (t *Transfers) auditRefusal(who Identity, o Offer, cause error) {
	ok, last := t.refusals.try(who.seat(), 1)
	if !ok && !last {
		return
	}
	if last {
		cause = bridge.NewError(bridge.CodeBusy, "")
	}
	e := AuditRecord{
		Action: ActionRefused, Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Conn: o.Conn,
		Name: o.Name, Size: o.Size, Digest: o.Digest, Code: bridge.AsError(cause).Code,
	}
	if _, err := bridge.ParseKey(o.Key); err == nil {
		e.Key = o.Key
	}
	if err := t.cfg.Audit.Write(e); err != nil {
		t.cfg.Log.Error("a refused offer is not in the audit log", "conn", o.Conn, "session", who.Session, "user", who.Party.UserID, "code", e.Code, "error", err)
	}
}

// normalizeOffer fills in the defaults and writes the digest in lower case.
func normalizeOffer(o Offer) Offer {
	if o.UploadType == "" {
		o.UploadType = bridge.FromFileSystem
	}
	if o.Visibility == "" {
		o.Visibility = bridge.All
	}
	o.Digest = strings.ToLower(o.Digest)
	return o
}

func (t *Transfers) takeOffer(ctx context.Context, who Identity, o Offer) (Record, *upload, error) {
	limits := t.Limits(who, o.Limits).PerFile()
	if err := checkOffer(who, limits, o); err != nil {
		return Record{}, nil, err
	}
	known, err := t.cfg.Records.Get(ctx, who.Session, o.Key)
	if err == nil {
		return t.continueOffer(ctx, who, o, known)
	}
	if !errors.Is(err, ErrRecordUnknown) {
		return Record{}, nil, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return t.beginOffer(ctx, who, limits, o)
}

// checkOffer applies the rules that need neither the store nor the Chat Server: the
// functions of bridge that the page has applied already.
func checkOffer(who Identity, limits bridge.Limits, o Offer) error {
	if _, err := bridge.ParseKey(o.Key); err != nil {
		return err
	}
	if _, err := bridge.ParseKey(o.After); err != nil && o.After != "" {
		return err
	}
	if err := who.Rights.Need(bridge.UploadRight(o.UploadType)); err != nil {
		return err
	}
	if !who.Party.UserType.MaySend(o.Visibility) {
		return bridge.NewError(bridge.CodeForbidden, "a party of this type may not send with visibility "+string(o.Visibility))
	}
	if err := bridge.CheckCustom(o.Custom); err != nil {
		return err
	}
	if _, err := hex.DecodeString(o.Digest); err != nil || (o.Digest != "" && len(o.Digest) != 64) {
		return bridge.NewError(bridge.CodeMessage, "a digest is SHA-256 in 64 hex digits")
	}
	return limits.Check(o.Name, o.Size)
}

// beginOffer makes the record and takes the right to write. It asks the Chat Server
// first, if that owns the party's allowances.
func (t *Transfers) beginOffer(ctx context.Context, who Identity, limits bridge.Limits, o Offer) (Record, *upload, error) {
	if err := t.cfg.Staging.AdmitUpload(); err != nil {
		return Record{}, nil, err
	}
	begun, err := t.quotas.acquire(who, limits, o.Size)
	if err != nil {
		return Record{}, nil, err
	}
	defer begun()
	a, limited := t.cfg.Chat.(Allowances)
	if limited = limited && who.customer(); limited {
		if err := a.Reserve(ctx, who.Session, who.Party.UserID, o.Key, bridge.SafeName(o.Name, "").Text, o.Size); err != nil {
			return Record{}, nil, err
		}
	}
	now := time.Now()
	record := Record{
		Key: o.Key, Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType,
		Customer: who.customer(), Conn: o.Conn, After: o.After,
		State: bridge.Offered, DocumentID: t.cfg.Staging.NewID(),
		Name: o.Name, Size: o.Size, MimeType: o.MimeType, UploadType: o.UploadType,
		Description: o.Description, Custom: o.Custom, Visibility: o.Visibility, Digest: o.Digest,
		Created: now, Changed: now,
	}
	created, writer, err := t.beginBoth(ctx, record)
	if errors.Is(err, ErrRecordExists) {
		// Another connection of the same page was faster with the same key.
		return t.continueOffer(ctx, who, o, created)
	}
	if err != nil {
		if limited && t.absent(ctx, record) {
			a.Release(context.WithoutCancel(ctx), who.Session, who.Party.UserID, o.Key)
		}
		return Record{}, nil, err
	}
	u := t.uploads.add(created, writer)
	if created.Size == 0 {
		return u.finished(ctx)
	}
	return created, u, nil
}

// absent reports that the record does not exist. A record whose creation failed may
// exist nevertheless, and its upload may resume; then it needs its reservation.
func (t *Transfers) absent(ctx context.Context, record Record) bool {
	_, err := t.cfg.Records.Get(context.WithoutCancel(ctx), record.Session, record.Key)
	return errors.Is(err, ErrRecordUnknown)
}

// beginBoth writes the record and takes the lease at the same time: each is one flush
// of the disk, and a small file has few others. If one of them fails, both stay as they
// are: the record may exist nevertheless, and the page may have resumed the upload at
// another proxy.
func (t *Transfers) beginBoth(ctx context.Context, record Record) (Record, Writer, error) {
	var created Record
	var writer Writer
	var recordErr, writerErr error
	var both errgroup.Group
	both.Go(func() error { created, recordErr = t.cfg.Records.Create(ctx, record); return nil })
	both.Go(func() error { writer, writerErr = t.cfg.Staging.Begin(ctx, record.DocumentID); return nil })
	both.Wait()
	if recordErr == nil && writerErr == nil {
		return created, writer, nil
	}
	if errors.Is(recordErr, ErrRecordExists) {
		return created, nil, ErrRecordExists
	}
	return Record{}, nil, unstored(errors.Join(recordErr, writerErr))
}

// unstored gives an error code storage-unavailable, unless the store has said that it is
// full.
func unstored(err error) error {
	if bridge.CodeOf(err) == bridge.CodeStorageFull {
		return err
	}
	return bridge.WrapError(bridge.CodeStorageUnavailable, err)
}

// continueOffer answers an offer whose key is known: same key, same file, same answer.
func (t *Transfers) continueOffer(ctx context.Context, who Identity, o Offer, known Record) (Record, *upload, error) {
	if known.UserID != who.Party.UserID || known.Size != o.Size || known.Name != o.Name {
		return Record{}, nil, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	if !known.State.Incoming() {
		return known, nil, nil
	}
	u, err := t.uploads.reopen(ctx, known)
	if err != nil {
		return Record{}, nil, err
	}
	if u.offset() == known.Size {
		return u.finished(ctx)
	}
	return known, u, nil
}
