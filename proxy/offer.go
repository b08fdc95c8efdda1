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

// offer judges a file that a page would like to send on that connection, by the
// limits that bind each file, and returns the record and, where bytes may come,
// the upload to write to. A refusal goes to the audit log.
func (p *Proxy) offer(ctx context.Context, who Identity, limits bridge.Limits, conn string, o *bridge.Offer) (Record, *upload, error) {
	record, u, err := p.takeOffer(ctx, who, limits, conn, o)
	if err != nil {
		p.auditRefusal(who, conn, o, err)
	}
	return record, u, err
}

// auditRefusal does not undo a refusal that cannot be written down: then the log has it.
// Of a party that is refused without end the last line says busy, for all that follow.
func (p *Proxy) auditRefusal(who Identity, conn string, o *bridge.Offer, cause error) {
	line, last := p.rates.note(who)
	if !line {
		return
	}
	if last {
		cause = bridge.NewError(bridge.CodeBusy, "")
	}
	e := Entry{
		Act: ActRefused, Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Conn: conn,
		Name: o.Name, Size: o.Size, Digest: o.Digest, Code: bridge.AsError(cause).Code,
	}
	if _, err := bridge.ParseKey(o.Key); err == nil {
		e.Key = o.Key
	}
	if err := p.cfg.Audit.Write(e); err != nil {
		p.cfg.Log.Error("a refused offer is not in the audit log", "conn", conn, "session", who.Session, "user", who.Party.UserID, "code", e.Code, "error", err)
	}
}

func (p *Proxy) takeOffer(ctx context.Context, who Identity, limits bridge.Limits, conn string, o *bridge.Offer) (Record, *upload, error) {
	if err := judgeOffer(who, limits, o); err != nil {
		return Record{}, nil, err
	}
	known, err := p.cfg.Records.Get(ctx, who.Session, o.Key)
	if err == nil {
		return p.continueOffer(ctx, who, o, known)
	}
	if !errors.Is(err, ErrRecordUnknown) {
		return Record{}, nil, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return p.beginOffer(ctx, who, limits, conn, o)
}

// judgeOffer applies what needs nobody else: the same functions of bridge that
// the page has applied already.
func judgeOffer(who Identity, limits bridge.Limits, o *bridge.Offer) error {
	if _, err := bridge.ParseKey(o.Key); err != nil {
		return err
	}
	if _, err := bridge.ParseKey(o.After); err != nil && o.After != "" {
		return err
	}
	if o.UploadType == "" {
		o.UploadType = bridge.FromFileSystem
	}
	if o.Visibility == "" {
		o.Visibility = bridge.All
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
	o.Digest = strings.ToLower(o.Digest)
	if _, err := hex.DecodeString(o.Digest); err != nil || (o.Digest != "" && len(o.Digest) != 64) {
		return bridge.NewError(bridge.CodeMessage, "a digest is SHA-256 in 64 hex digits")
	}
	return limits.Check(o.Name, o.Size)
}

// bound is limits with what nobody may send: a Chat Server elsewhere does not
// know of this proxy's scanner.
func (p *Proxy) bound(limits bridge.Limits) bridge.Limits {
	if p.cfg.MaxFileSize > 0 && (limits.MaxFileSize == bridge.NoLimit || limits.MaxFileSize > p.cfg.MaxFileSize) {
		limits.MaxFileSize = p.cfg.MaxFileSize
	}
	return limits
}

func (who Identity) customer() bool { return who.Party.UserType == bridge.Client }

// beginOffer makes the record and takes the right to write. Chat Server is asked
// first where it owns the party's allowances.
func (p *Proxy) beginOffer(ctx context.Context, who Identity, limits bridge.Limits, conn string, o *bridge.Offer) (Record, *upload, error) {
	if err := p.cfg.Staging.Room(); err != nil {
		return Record{}, nil, err
	}
	begun, err := p.quotas.begin(who, limits, o.Size)
	if err != nil {
		return Record{}, nil, err
	}
	defer begun()
	a, limited := p.cfg.Chat.(Allowances)
	if limited = limited && who.customer(); limited {
		if err := a.Reserve(ctx, who.Session, who.Party.UserID, o.Key, bridge.SafeName(o.Name, "").Text, o.Size); err != nil {
			return Record{}, nil, err
		}
	}
	now := time.Now()
	record := Record{
		Key: o.Key, Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType,
		Customer: who.customer(), Conn: conn, After: o.After,
		State: bridge.Offered, DocumentID: p.cfg.Staging.NewID(),
		Name: o.Name, Size: o.Size, MimeType: o.MimeType, UploadType: o.UploadType,
		Description: o.Description, Custom: o.Custom, Visibility: o.Visibility, Digest: o.Digest,
		Created: now, Changed: now,
	}
	created, writer, err := p.beginBoth(ctx, record)
	if errors.Is(err, ErrRecordExists) {
		// Another connection of the same page was faster with the same key.
		return p.continueOffer(ctx, who, o, created)
	}
	if err != nil {
		if limited && p.absent(ctx, record) {
			p.cfg.Chat.(Allowances).Release(context.WithoutCancel(ctx), who.Session, who.Party.UserID, o.Key)
		}
		return Record{}, nil, err
	}
	u := p.uploads.add(created, writer)
	if created.Size == 0 {
		return u.finished(ctx)
	}
	return created, u, nil
}

// absent reports that there is no such record. Whose making failed may be there
// all the same, and its upload go on: then it needs its place.
func (p *Proxy) absent(ctx context.Context, record Record) bool {
	_, err := p.cfg.Records.Get(context.WithoutCancel(ctx), record.Session, record.Key)
	return errors.Is(err, ErrRecordUnknown)
}

// beginBoth writes the record and the lease side by side: each is one flush of
// the disk, and a small file has few others. What fails is left as it is: the
// record may be there all the same, and the page have gone on with it elsewhere.
func (p *Proxy) beginBoth(ctx context.Context, record Record) (Record, Writer, error) {
	var created Record
	var writer Writer
	var recordErr, writerErr error
	var both errgroup.Group
	both.Go(func() error { created, recordErr = p.cfg.Records.Create(ctx, record); return nil })
	both.Go(func() error { writer, writerErr = p.cfg.Staging.Begin(ctx, record.DocumentID); return nil })
	both.Wait()
	if recordErr == nil && writerErr == nil {
		return created, writer, nil
	}
	if errors.Is(recordErr, ErrRecordExists) {
		return created, nil, ErrRecordExists
	}
	return Record{}, nil, unstored(errors.Join(recordErr, writerErr))
}

// unstored is code storage-unavailable, unless the store has said that it is
// full.
func unstored(err error) error {
	if bridge.CodeOf(err) == bridge.CodeStorageFull {
		return err
	}
	return bridge.WrapError(bridge.CodeStorageUnavailable, err)
}

// continueOffer answers an offer whose key is known: same key, same file, same
// answer.
func (p *Proxy) continueOffer(ctx context.Context, who Identity, o *bridge.Offer, known Record) (Record, *upload, error) {
	if known.UserID != who.Party.UserID || known.Size != o.Size || known.Name != o.Name {
		return Record{}, nil, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	if !known.State.Incoming() {
		return known, nil, nil
	}
	u, err := p.uploads.reopen(ctx, known)
	if err != nil {
		return Record{}, nil, err
	}
	if u.offset() == known.Size {
		return u.finished(ctx)
	}
	return known, u, nil
}
