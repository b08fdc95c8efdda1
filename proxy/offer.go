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

	// Acked is how many bytes the sender knows to be durable, of an upload that continues;
	// nil if it does not know. A sender that lies harms only its own upload.
	Acked *int64

	open bool // Size is an upper bound: see [Transfers.Ingest]
}

// acked is as in [Staging].
func (o Offer) acked() int64 {
	if o.Acked == nil {
		return unknownAck
	}
	return *o.Acked
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
//
// If the upload continues, Offer may take as long as the store needs to read what it has.
// ctx ends the wait, and the next Offer finds the store further.
func (t *Transfers) Offer(ctx context.Context, who Identity, o Offer) (Offered, error) {
	offered, later, err := t.offerSoon(ctx, who, o)
	if later != nil {
		return later(ctx)
	}
	return offered, err
}

// offerSoon is Offer without the wait for content that continues: later does that, and must
// be called.
func (t *Transfers) offerSoon(ctx context.Context, who Identity, o Offer) (_ Offered, later func(context.Context) (Offered, error), err error) {
	o = normalizeOffer(o)
	got, err := t.takeOffer(ctx, who, o)
	if err != nil {
		t.auditRefusal(who, o, err)
		return Offered{}, nil, err
	}
	if got.opening == nil {
		return got.offered(), nil, nil
	}
	return Offered{}, func(ctx context.Context) (Offered, error) {
		got, err := t.awaitOpening(ctx, got.opening, o.acked())
		if err != nil {
			if ctx.Err() == nil {
				t.auditRefusal(who, o, err)
			}
			return Offered{}, err
		}
		return got.offered(), nil
	}, nil
}

// taken is an offer that was not refused: its upload needs no more bytes, or is open, or is
// being opened.
type taken struct {
	record  Record
	upload  *upload
	opening *opening
}

func (t taken) offered() Offered {
	out := Offered{Record: t.record, Incoming: t.upload != nil}
	if t.upload != nil {
		out.Offset, out.Digest = t.upload.resumePoint()
	}
	return out
}

// auditRefusal records a refused offer. If the audit log cannot be written the refusal
// still applies, and the ordinary log has it. After too many refusals of one party, a
// last line with code busy represents all that follow.
func (t *Transfers) auditRefusal(who Identity, o Offer, cause error) {
	ok, last := t.refusals.Try(who.seat(), 1)
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

// announcement is the notice that the file will have.
func (o Offer) announcement() bridge.Announcement {
	return bridge.Announcement{
		Name: o.Name, Size: o.Size, UploadType: o.UploadType, Description: o.Description, Key: o.Key, Custom: o.Custom,
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

func (t *Transfers) takeOffer(ctx context.Context, who Identity, o Offer) (taken, error) {
	if err := checkOffer(who, o); err != nil {
		return taken{}, err
	}
	limits := t.Limits(who, o.Limits).PerFile()
	refused := limits.Check(o.Name, o.Size)
	known, err := t.cfg.Records.Get(ctx, who.Session, o.Key)
	if err == nil {
		return t.continueOffer(who, o, known) // limits that were lowered since do not end it
	}
	if refused != nil {
		return taken{}, refused
	}
	if !errors.Is(err, ErrRecordUnknown) {
		return taken{}, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return t.beginOffer(ctx, who, limits, o)
}

// checkOffer applies the rules that need neither the store nor the Chat Server, nor the
// limits: the functions of bridge that the page has applied already.
func checkOffer(who Identity, o Offer) error {
	if _, err := bridge.ParseKey(o.Key); err != nil {
		return err
	}
	if _, err := bridge.ParseKey(o.After); err != nil && o.After != "" {
		return err
	}
	if err := bridge.CheckUploadType(o.UploadType, who.Party.UserType, who.Rights); err != nil {
		return err
	}
	if err := bridge.CheckSender(who.Party.UserType, o.Visibility); err != nil {
		return err
	}
	if err := bridge.CheckCustom(o.Custom); err != nil {
		return err
	}
	if err := o.announcement().CheckPacket(); err != nil {
		return err
	}
	if _, err := hex.DecodeString(o.Digest); err != nil || (o.Digest != "" && len(o.Digest) != 64) {
		return bridge.NewError(bridge.CodeMessage, "a digest is SHA-256 in 64 hex digits")
	}
	if a := o.Acked; a != nil && (*a < 0 || *a > o.Size) {
		return bridge.NewError(bridge.CodeMessage, "more bytes are acked than the file has, or less than none")
	}
	return nil
}

// beginOffer makes the record and takes the right to write. It asks the Chat Server
// first, if that owns the party's allowances. It does not end with ctx: a caller that hangs up
// between the two would leave a reservation that no record names.
func (t *Transfers) beginOffer(ctx context.Context, who Identity, limits bridge.Limits, o Offer) (taken, error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	a, err := t.admit(ctx, who, limits, o)
	if err != nil {
		return taken{}, err
	}
	defer a.done()
	created, writer, err := t.beginBoth(ctx, a.record)
	if errors.Is(err, ErrRecordExists) && o.open {
		return taken{}, errUnderWay()
	}
	if errors.Is(err, ErrRecordExists) {
		// Another connection of the same page was faster with the same key.
		return t.continueOffer(who, o, created)
	}
	if err != nil {
		a.giveUp(ctx)
		return taken{}, err
	}
	u := t.uploads.add(created, writer)
	if created.Size == 0 && !created.Open {
		return u.finished(ctx)
	}
	return taken{record: created, upload: u}, nil
}

// admission is the right to begin an upload: there is room for it, and its share of the
// allowance is reserved.
type admission struct {
	transfers *Transfers
	record    Record // to be created
	done      func() // call it when the record is created, or is not going to be
}

// admit decides whether an upload may begin, and leaves nothing of one that may not.
func (t *Transfers) admit(ctx context.Context, who Identity, limits bridge.Limits, o Offer) (*admission, error) {
	if err := t.cfg.Staging.AdmitUpload(); err != nil {
		return nil, err
	}
	begun, err := t.quotas.acquire(who, limits, o.Size)
	if err != nil {
		return nil, err
	}
	limited := t.counted(who, limits)
	now := time.Now()
	record := Record{
		Key: o.Key, Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Interaction: who.Interaction,
		Customer: limited, Conn: o.Conn, After: o.After,
		State: bridge.Offered, DocumentID: t.cfg.Staging.NewID(),
		Name: o.Name, Size: o.Size, Open: o.open, MimeType: o.MimeType, UploadType: o.UploadType,
		Description: o.Description, Custom: o.Custom, Visibility: o.Visibility, Digest: o.Digest,
		Created: now, Changed: now,
	}
	if err := t.reserve(ctx, record); err != nil {
		begun()
		return nil, err
	}
	return &admission{t, record, begun}, nil
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
	both.Go(func() error { writer, writerErr = t.cfg.Staging.Begin(ctx, record.Document(), 0); return nil })
	both.Wait()
	if recordErr == nil && writerErr == nil {
		return created, writer, nil
	}
	if writer != nil {
		writer.Close()
	}
	if !errors.Is(recordErr, ErrRecordExists) {
		return Record{}, nil, unstored(errors.Join(recordErr, writerErr))
	}
	if created.DocumentID != record.DocumentID {
		t.cfg.Staging.Discard(context.WithoutCancel(ctx), record.DocumentID) // no record names it
	}
	return created, nil, ErrRecordExists
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
func (t *Transfers) continueOffer(who Identity, o Offer, known Record) (taken, error) {
	if err := known.sameOffer(who, o); err != nil {
		return taken{}, err
	}
	if !known.State.Incoming() {
		return taken{record: known}, nil
	}
	return taken{record: known, opening: t.uploads.reopen(known, o.acked())}, nil
}

// sameOffer returns an error of code upload-conflict unless the record is of this offer.
func (r Record) sameOffer(who Identity, o Offer) error {
	if r.UserID != who.Party.UserID || r.Open || o.open || r.Size != o.Size || r.Name != o.Name {
		return bridge.NewError(bridge.CodeUploadConflict, "")
	}
	return nil
}

// awaitOpening waits until the upload can be continued. If all of it is there, it is
// accepted. Who began the opening may not have known what was acked: then the bytes after
// that are any, and the upload is opened once more.
func (t *Transfers) awaitOpening(ctx context.Context, o *opening, acked int64) (taken, error) {
	record, u, err := o.wait(ctx)
	if err == nil && u != nil && o.acked == unknownAck && 0 <= acked && acked < u.offset() {
		record, u, err = t.uploads.reopen(record, acked).wait(ctx)
	}
	if err != nil {
		return taken{}, err
	}
	if u != nil && u.offset() == record.Size {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		return u.finished(ctx)
	}
	return taken{record: record, upload: u}, nil
}
