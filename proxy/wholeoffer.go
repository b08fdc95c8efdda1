package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"attache/bridge"

	"golang.org/x/sync/errgroup"
)

// WholeOffer is an offer that was not refused, of a file that came with it.
type WholeOffer struct {
	transfers *Transfers
	who       Identity
	offer     Offer
	content   []byte
	known     *Record    // nil: the upload is new
	admission *admission // of a new upload
}

// OfferWhole is Offer for a file that came whole with its offer: content is all of it, 1 to
// MaxFrame bytes. Whether it may be sent is decided before OfferWhole returns, by the rules
// and in the order of Offer, and nothing is kept of one that is refused. Call Store with
// every other one; until that has returned, content must stay as it is.
//
// The same key with the same file gets the same answer, at any proxy; with other bytes it
// gets code upload-conflict.
func (t *Transfers) OfferWhole(ctx context.Context, who Identity, o Offer, content []byte) (*WholeOffer, error) {
	o = normalizeOffer(o)
	o.Acked = nil
	w := &WholeOffer{transfers: t, who: who, offer: o, content: content}
	if err := w.decide(ctx); err != nil {
		t.auditRefusal(who, o, err)
		return nil, err
	}
	return w, nil
}

// takesWhole reports whether a party's files may come whole with their offers: the limits that
// bind it must be known without its chat socket.
func (t *Transfers) takesWhole(who Identity) bool {
	_, asks := t.cfg.Chat.(Allowances)
	return asks || !who.customer()
}

func (w *WholeOffer) decide(ctx context.Context) error {
	t, o := w.transfers, w.offer
	if len(w.content) == 0 || len(w.content) > t.cfg.MaxFrame || int64(len(w.content)) != o.Size {
		return bridge.NewError(bridge.CodeFrame, "a file that comes with its offer has another size, or is longer than a frame")
	}
	if err := checkOffer(w.who, o); err != nil {
		return err
	}
	limits, err := t.askLimits(ctx, w.who, o.Limits)
	if err != nil {
		return err
	}
	limits = limits.PerFile()
	refused := limits.Check(o.Name, o.Size)
	known, err := t.cfg.Records.Get(ctx, w.who.Session, o.Key)
	switch {
	case err == nil:
		w.known = &known
		return known.sameOffer(w.who, o) // limits that were lowered since do not end it
	case refused != nil:
		return refused
	case !errors.Is(err, ErrRecordUnknown):
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	if sum := sha256.Sum256(w.content); o.Digest != "" && o.Digest != hex.EncodeToString(sum[:]) {
		return bridge.NewError(bridge.CodeDigest, "")
	}
	w.admission, err = t.admit(ctx, w.who, limits, o)
	return err
}

// Store stores the file and accepts the upload, and returns its record. recorded is called
// once it has a record, or is not going to have one. An upload whose storing failed continues
// with its next offer.
func (w *WholeOffer) Store(ctx context.Context, recorded func()) (Record, error) {
	defer recorded()
	if w.known != nil {
		return w.storeAgain(ctx, *w.known)
	}
	created, writer, err := w.storeBoth(ctx)
	w.admission.done()
	if errors.Is(err, ErrRecordExists) {
		// Another connection of the same page was faster with the same key.
		return w.storeAgain(ctx, created)
	}
	if err != nil {
		return Record{}, err
	}
	recorded()
	crashPoint("whole stored")
	return w.finish(ctx, w.transfers.uploads.add(created, writer))
}

// storeBoth writes record and content, at the same time if the store allows, which makes it one
// flush of the disk. If only one of them fails, the other stays: the record is there, or may be, and the page
// offers the file again.
func (w *WholeOffer) storeBoth(ctx context.Context) (created Record, writer Writer, err error) {
	t, record := w.transfers, w.admission.record
	var recordErr, contentErr error
	var both errgroup.Group
	both.Go(func() error { created, recordErr = t.cfg.Records.Create(ctx, record); return nil })
	_, beside := t.cfg.Staging.(Unlinked)
	if !beside {
		both.Wait()
	}
	if beside || recordErr == nil {
		both.Go(func() error { writer, contentErr = w.storeContent(ctx, record); return nil })
	}
	both.Wait()
	if recordErr == nil && contentErr == nil {
		return created, writer, nil
	}
	if writer != nil {
		writer.Close()
	}
	gone := context.WithoutCancel(ctx)
	switch {
	case recordErr == nil:
		return created, nil, unstored(contentErr)
	case !errors.Is(recordErr, ErrRecordExists):
		if w.admission.giveUp(ctx) {
			t.cfg.Staging.Discard(gone, record.DocumentID)
		}
		return Record{}, nil, unstored(errors.Join(recordErr, contentErr))
	case created.DocumentID != record.DocumentID:
		t.cfg.Staging.Discard(gone, record.DocumentID) // no record names it
	}
	return created, nil, ErrRecordExists
}

// storeContent begins the content and returns when all of it is durable.
func (w *WholeOffer) storeContent(ctx context.Context, record Record) (Writer, error) {
	writer, err := w.transfers.cfg.Staging.Begin(ctx, record.Document(), 0)
	if err != nil {
		return nil, err
	}
	return writer, w.append(ctx, writer, w.content)
}

// append returns when p is durable.
func (w *WholeOffer) append(ctx context.Context, writer Writer, p []byte) error {
	durable := make(chan error, 1)
	if err := writer.Append(ctx, p, func(_ int64, err error) { durable <- err }); err != nil {
		return err
	}
	w.transfers.up.Add(int64(len(p)))
	if a, ok := w.transfers.cfg.Chat.(Activities); ok {
		a.Active(w.who.Session, w.who.Party.UserID)
	}
	select {
	case err := <-durable:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// storeAgain is Store for an upload that has a record.
func (w *WholeOffer) storeAgain(ctx context.Context, known Record) (Record, error) {
	if err := known.sameOffer(w.who, w.offer); err != nil {
		return Record{}, err
	}
	if known.State.Incoming() {
		t, err := w.transfers.awaitOpening(ctx, w.transfers.uploads.reopen(known, unknownAck), unknownAck)
		if err != nil {
			return Record{}, err
		}
		if t.upload != nil {
			return w.resume(ctx, t.upload)
		}
		known = t.record
	}
	sum := sha256.Sum256(w.content)
	switch {
	case !known.State.Complete():
		return Record{}, known.endError()
	case known.Digest != hex.EncodeToString(sum[:]):
		return Record{}, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	return known, nil
}

// resume stores what is missing of an upload of which a part is there, if that is of this file.
func (w *WholeOffer) resume(ctx context.Context, u *upload) (Record, error) {
	offset, digest := u.resumePoint()
	if sum := sha256.Sum256(w.content[:offset]); offset > 0 && digest != hex.EncodeToString(sum[:]) {
		return Record{}, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	durable := make(chan error, 1)
	err := u.append(ctx, offset, w.content[offset:], func(_ int64, err error) { durable <- err })
	if err != nil {
		return Record{}, u.appendFailed(ctx, err)
	}
	select {
	case err = <-durable:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		w.transfers.uploads.forget(u)
		return Record{}, unstored(err)
	}
	return w.finish(ctx, u)
}

// finish accepts an upload all of whose bytes are durable. If it was cancelled meanwhile, what
// was stored after that is removed.
func (w *WholeOffer) finish(ctx context.Context, u *upload) (Record, error) {
	t, err := u.finished(ctx)
	switch {
	case err != nil:
		return Record{}, err
	case !t.record.State.Complete():
		if t.record.State.Final() {
			w.transfers.cfg.Staging.Discard(context.WithoutCancel(ctx), t.record.DocumentID)
		}
		return Record{}, t.record.endError()
	}
	return t.record, nil
}
