package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"time"

	"attache/bridge"
)

// Stream is a file that arrives in one request. Its size is known when it has ended.
type Stream struct {
	// Source is its content: io.EOF says that it is whole, and every other error that it is
	// not.
	Source
	// AtLeast and AtMost are what the request says of the size: a file that cannot be within
	// the limits is refused before its first byte is stored. AtMost is -1 if nothing is known.
	AtLeast, AtMost int64
	// Late returns the offer with what came after the content: description, custom data. nil:
	// nothing did.
	Late func(Offer) Offer
	// Unseen is the first event of the session that the client has not seen; 0: it does not say.
	Unseen int64
}

// OpenTouch is how often the record of an upload that cannot be resumed is written while its
// request lasts.
const OpenTouch = 20 * time.Second

// Ingest receives a file of unknown size in one request, and returns its record once it is
// accepted: from then on it is an upload like every other. Size of the offer is ignored, and an
// empty key is replaced by a fresh one; so is that of an upload that has failed, because a client
// that tries again may send the same, and that of one whose request has not ended, which ends it.
// A key of an accepted upload returns its record.
//
// The record comes first, as for every upload. It has an upper bound of the size, which is also
// what the Chat Server reserves: what the request or the limits allow. The size and the digest
// replace it when the file has ended, in the same write that accepts it. So after a crash at any
// time there is either no file, or an accepted one: an upload whose end nobody has seen is never
// taken for whole, and the delivery loop removes it. It cannot be resumed.
//
// If the party has an upload under way with the same name, size and digest, or one whose notice the
// client has not seen, the file is that one: its record is returned, and nothing is announced
// twice. So a client that got no answer in time may send its file again.
func (t *Transfers) Ingest(ctx context.Context, who Identity, o Offer, s Stream) (Record, error) {
	o = normalizeOffer(o)
	me := t.copies.begin(who.seat(), o.Name)
	defer t.copies.remove(who.seat(), me)
	if known, found, err := t.repeated(ctx, who, &o); found || err != nil {
		return known, err
	}
	twins := append(t.pending(who, o.Key), t.unseen(ctx, who, s.Unseen)...)
	in, err := t.beginIngest(ctx, who, o, s)
	if bridge.CodeOf(err) == bridge.CodeUploadConflict {
		// An earlier request under the key has died before it had a record. What it reserved is
		// another bound of the same size.
		t.release(ctx, Record{Session: who.Session, UserID: who.Party.UserID, Key: o.Key, Customer: true})
		o.Key = freshKey()
		in, err = t.beginIngest(ctx, who, o, s)
	}
	if err != nil {
		me.end() // or two refused ones would wait for each other
		if twin, found := t.findRefused(ctx, who, o, s, twins, me, err); found {
			return twin, nil
		}
		t.auditRefusal(who, o, err)
		return Record{}, err
	}
	crashPoint("ingest begun")
	in.twins, in.copying = twins, me
	record, err := in.run(ctx)
	if bridge.CodeOf(err) == bridge.CodeSuperseded {
		record, err = in.outcome(ctx)
	}
	if err != nil {
		in.abandon(err)
	}
	return record, err
}

// outcome says what has become of an upload whose record was changed by somebody else: by its own
// earlier write whose answer was lost, by a cancellation, or by the delivery loop, which takes one
// that was silent for abandoned. Nobody else continues it, so its client may send it again.
func (g *ingest) outcome(ctx context.Context) (Record, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	known, err := g.transfers.cfg.Records.Get(ctx, g.who.Session, g.offer.Key)
	switch {
	case err != nil && !errors.Is(err, ErrRecordUnknown):
		return Record{}, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	case err == nil && known.State == bridge.Cancelled:
		return Record{}, bridge.NewError(bridge.CodeCancelled, "")
	case err == nil && !known.Open && known.State != bridge.Failed:
		return known, nil
	}
	return Record{}, bridge.NewError(bridge.CodeBusy, "the upload was interrupted")
}

// repeated looks for the upload that the offer's key names, and gives the offer a fresh key if that
// one cannot be used.
func (t *Transfers) repeated(ctx context.Context, who Identity, o *Offer) (known Record, found bool, err error) {
	if o.Key == "" {
		o.Key = freshKey()
		return Record{}, false, nil
	}
	known, err = t.cfg.Records.Get(ctx, who.Session, o.Key)
	switch {
	case errors.Is(err, ErrRecordUnknown):
		return Record{}, false, nil
	case err != nil:
		return Record{}, false, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	case known.UserID != who.Party.UserID, known.Name != o.Name, known.State == bridge.Failed, known.State == bridge.Cancelled:
		o.Key = freshKey()
		return Record{}, false, nil
	case known.Open:
		return t.supersede(ctx, who, o)
	}
	return known, true, nil
}

// supersede ends an earlier request under the offer's key, because its client sends the file again:
// it has lost that request, or the proxy that answered it has died. The offer gets a fresh key.
// If the file was accepted meanwhile, it is that one.
func (t *Transfers) supersede(ctx context.Context, who Identity, o *Offer) (known Record, accepted bool, err error) {
	known, err = t.Cancel(ctx, who, o.Key)
	if err != nil && bridge.CodeOf(err) != bridge.CodeUploadUnknown {
		return Record{}, false, err
	}
	if err == nil && known.State != bridge.Cancelled && known.State != bridge.Failed {
		return known, true, nil
	}
	o.Key = freshKey()
	return Record{}, false, nil
}

func errUnderWay() error {
	return bridge.NewError(bridge.CodeBusy, "a request is sending this file already")
}

func freshKey() string {
	var k bridge.Key
	rand.Read(k[:])
	return k.String()
}

// ingest is an upload under way by [Transfers.Ingest].
type ingest struct {
	transfers *Transfers
	who       Identity
	offer     Offer
	stream    Stream
	upload    *upload
	twins     []string // keys of the party's uploads that were under way when it began
	copying   *copying
	received  int64 // bytes that are durable
}

// beginIngest decides whether the file may be sent, and makes its record.
func (t *Transfers) beginIngest(ctx context.Context, who Identity, o Offer, s Stream) (*ingest, error) {
	o.Size, o.open = max(s.AtLeast, 0), true
	if err := checkOffer(who, o); err != nil {
		return nil, err
	}
	if err := t.present(ctx, who); err != nil {
		return nil, err
	}
	limits, err := t.askLimits(ctx, who, o.Limits)
	if err != nil {
		return nil, err
	}
	if !t.counted(who, limits) {
		limits = limits.PerFile()
	}
	if err := limits.Check(o.Name, o.Size); err != nil {
		return nil, err
	}
	o.Size = t.upperBound(limits, s.AtMost)
	taken, err := t.beginOffer(ctx, who, limits, o)
	if err != nil {
		return nil, err
	}
	s.Reader = &boundedReader{Reader: s.Reader, left: o.Size, beyond: func() error { return beyond(limits, o, s) }}
	return &ingest{transfers: t, who: who, offer: o, stream: s, upload: taken.upload}, nil
}

// upperBound is the largest size that the file can have, or may.
func (t *Transfers) upperBound(limits bridge.Limits, most int64) int64 {
	within := func(n int64) {
		if most < 0 || n < most {
			most = n
		}
	}
	if limits.MaxFileSize != bridge.NoLimit {
		within(limits.MaxFileSize)
	}
	if limits.MaxTotalSize != bridge.NoLimit {
		within(max(limits.MaxTotalSize-limits.UsedTotalSize, 0))
	}
	if most < 0 {
		return t.cfg.MaxUnfinishedBytes
	}
	return most
}

// beyond is the error of a file that has more bytes than the upper bound.
func beyond(limits bridge.Limits, o Offer, s Stream) error {
	if err := limits.Check(o.Name, o.Size+1); err != nil {
		return err
	}
	if s.AtMost >= 0 && o.Size >= s.AtMost {
		return bridge.NewError(bridge.CodeMessage, "the file is longer than its request said")
	}
	return bridge.NewError(bridge.CodeFileSize, "a file of unknown size may have "+bridge.Bytes(o.Size))
}

// run receives the content and accepts it.
func (g *ingest) run(ctx context.Context) (Record, error) {
	if err := g.receive(ctx); err != nil {
		return Record{}, err
	}
	crashPoint("ingest received")
	// All of it is here: a client that hangs up now changes nothing.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	if err := g.takeLate(); err != nil {
		return Record{}, err
	}
	return g.accept(ctx)
}

func (g *ingest) receive(ctx context.Context) error {
	var touching sync.WaitGroup
	defer touching.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	touching.Go(func() { g.upload.touchUntil(ctx) })
	in := &incoming{
		transfers: g.transfers, who: g.who, key: g.offer.Key, source: g.stream.Source, open: true, changed: make(chan struct{}, 1),
	}
	err := in.receive(ctx)
	if failed := in.settle(ctx); err == nil {
		err = failed
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	g.received = in.durable
	return err
}

// touchUntil writes the record now and then, so that the upload does not count as abandoned,
// however slowly its bytes come.
func (u *upload) touchUntil(ctx context.Context) {
	every := time.NewTicker(OpenTouch)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if err := u.touch(ctx); err != nil && ctx.Err() == nil {
			u.uploads.transfers.cfg.Log.Warn("the record of an upload was not written", "upload", u.id, "error", err)
		}
	}
}

func (u *upload) touch(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return nil
	}
	u.record.State = bridge.Receiving
	return u.uploads.change(ctx, u)
}

// takeLate takes over what came after the content.
func (g *ingest) takeLate() error {
	if g.stream.Late == nil {
		return nil
	}
	late := g.stream.Late(g.offer)
	g.offer.Description, g.offer.Custom = late.Description, late.Custom
	return checkOffer(g.who, g.offer)
}

// accept corrects the reservation and then the record, which is accepted by that. The files of
// one party are accepted one after the other, so that of two that are the same the second finds
// the first.
func (g *ingest) accept(ctx context.Context) (Record, error) {
	defer g.transfers.ingests.lock(g.who.seat())()
	is := fileSum{g.offer.Name, g.received, g.upload.sum()}
	twins := append(g.transfers.pending(g.who, g.offer.Key), g.twins...)
	twins = append(twins, g.transfers.copies.twins(g.copying)...)
	if twin, found := g.transfers.twin(ctx, g.who, is, twins); found {
		g.abandon(nil)
		return twin, nil
	}
	if err := g.transfers.correct(ctx, g.upload.record, g.received); err != nil {
		return Record{}, err
	}
	crashPoint("reservation corrected")
	record, err := g.upload.acceptOpen(ctx, g.offer, g.received)
	// Its outcome may be unclear; a twin is looked up in the records.
	g.transfers.copies.accept(g.who.seat(), g.offer.Key)
	return record, err
}

// sum is the digest of everything appended.
func (u *upload) sum() [32]byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.writer.Sum()
}

// acceptOpen accepts an upload whose file has ended at size.
func (u *upload) acceptOpen(ctx context.Context, o Offer, size int64) (Record, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return u.record, bridge.NewError(bridge.CodeSuperseded, "the upload was ended meanwhile")
	}
	r := u.record
	r.Size, r.Open, r.Description, r.Custom = size, false, o.Description, o.Custom
	err := u.accept(ctx, r)
	if err == nil && u.record.State == bridge.Failed {
		err = bridge.NewError(u.record.Code, "")
	}
	crashPoint("ingest accepted")
	return u.record, err
}

// abandon ends an upload that has no end, or is another one: its record first, then its content
// and its reservation. If the process dies before that, the delivery loop does it.
func (g *ingest) abandon(cause error) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	t := g.transfers
	// What is released counts until it has left the disk, and that is only what came.
	t.correct(ctx, g.upload.record, g.received)
	code := bridge.CodeOf(cause)
	var err error
	if code == "" { // the client is gone, or has sent the file before
		_, err = t.Cancel(ctx, g.who, g.offer.Key)
	} else {
		err = g.upload.refuse(ctx, code)
	}
	if err != nil && bridge.CodeOf(err) != bridge.CodeSuperseded {
		t.cfg.Log.Warn("an upload without an end was not removed; the delivery loop retries", "upload", g.upload.id, "error", err)
	}
}

// correct lowers the upload's reservation.
func (t *Transfers) correct(ctx context.Context, r Record, size int64) error {
	if a, ok := t.cfg.Chat.(Allowances); ok && r.Customer && size < r.Size {
		return a.Correct(ctx, r.Session, r.UserID, r.Key, size)
	}
	return nil
}

// boundedReader fails with beyond once more than left bytes came.
type boundedReader struct {
	io.Reader
	left   int64
	beyond func() error
}

func (r *boundedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > r.left+1 {
		p = p[:r.left+1]
	}
	n, err := r.Reader.Read(p)
	if int64(n) > r.left {
		return int(r.left), r.beyond()
	}
	r.left -= int64(n)
	return n, err
}
