package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// deliver does the remaining steps, up to one whose result is checkpointed.
func (j *job) deliver(ctx context.Context) error {
	if j.record.State != bridge.Stored {
		if checkpointed, err := j.scan(ctx); checkpointed || err != nil {
			return err
		}
		if j.deliverer() == nil {
			if checkpointed, err := j.store(ctx); checkpointed || err != nil {
				return err
			}
		}
	}
	if err := j.awaitEarlier(ctx); err != nil {
		return err
	}
	settled := make(chan error, 1)
	go func() { settled <- j.settleDocument(ctx, j.record.DocumentID) }()
	e, err := j.announce()
	if failed := <-settled; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return j.conclude(e)
}

// checkpoint writes the result of a step to the record. The new record's message continues
// the delivery, and may be taken before this write is answered: that must not cancel the
// write.
func (j *job) checkpoint(r proxy.Record) error {
	ctx, cancel := context.WithTimeout(j.working, j.cfg.StoreTime)
	defer cancel()
	_, err := j.cfg.Records.Update(ctx, r)
	crashPoint("checkpointed")
	return err
}

// scan scans the content, unless it has been scanned or there is no scanner. Before
// that, the record changes to scanning, because the sender sees the state.
func (j *job) scan(ctx context.Context) (checkpointed bool, err error) {
	if _, off := j.cfg.Scanner.(proxy.NoScanner); off || j.record.Verdict == proxy.Clean {
		return false, nil
	}
	r := j.record
	if r.State == bridge.Accepted {
		r.State = bridge.Scanning
		return true, j.checkpoint(r)
	}
	if r.Verdict, err = j.requestVerdict(ctx); err != nil {
		return false, err
	}
	crashPoint("scanned")
	return true, j.applyVerdict(r)
}

func (j *job) requestVerdict(ctx context.Context) (proxy.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, j.withReadTime(j.cfg.ScanTime))
	defer cancel()
	content, err := j.cfg.Staging.Staged(ctx, j.record.DocumentID)
	if err != nil {
		return proxy.Unknown, err
	}
	defer content.Close()
	d, err := document(j.record)
	if err != nil {
		return proxy.Unknown, err
	}
	verdict, err := j.cfg.Scanner.Scan(ctx, content, d)
	if err != nil {
		return proxy.Unknown, fmt.Errorf("scan: %w", err)
	}
	return verdict, nil
}

// minReadRate is the rate, in bytes per second, at which a step is expected to read
// the content, at least.
const minReadRate = 256 << 10

// withReadTime returns d plus the time that reading the whole content may take.
func (j *job) withReadTime(d time.Duration) time.Duration {
	return d + time.Duration(j.record.Size/minReadRate)*time.Second
}

// applyVerdict checkpoints a verdict or rejects the upload. Any other value is not a
// verdict.
func (j *job) applyVerdict(r proxy.Record) error {
	switch r.Verdict {
	case proxy.Clean:
		return j.checkpoint(r)
	case proxy.Infected:
		return j.reject(r.Verdict, bridge.CodeInfected)
	case proxy.Unscannable:
		return j.reject(r.Verdict, bridge.CodeUnscannable)
	}
	return bridge.NewError(bridge.CodeScannerOffline, "the virus scanner returned no verdict")
}

// reject audits the verdict and returns the error that the upload fails with.
func (j *job) reject(v proxy.Verdict, code bridge.Code) error {
	j.record.Verdict = v
	if j.cfg.Audit != nil {
		e := j.record.AuditRecord(proxy.ActionVerdict)
		e.Time = time.Now()
		if err := j.cfg.Audit.Write(e); err != nil {
			return err
		}
	}
	return bridge.NewError(code, "")
}

// store makes the document. If it is not the staged content itself, but in another store or
// under another id, that is checkpointed: storing again might make another document, and
// the staged content must be discarded.
func (j *job) store(ctx context.Context) (checkpointed bool, err error) {
	d, err := document(j.record)
	if err != nil {
		return false, err
	}
	limit := j.cfg.StoreTime
	if !j.inPlace() {
		limit = j.withReadTime(limit)
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	id, err := j.documents().Add(bounded, d)
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	crashPoint("stored")
	if id == j.record.DocumentID && j.inPlace() {
		return false, nil
	}
	if err := j.settleDocument(bounded, id); err != nil {
		return false, err
	}
	r := j.record
	r.State, r.DocumentID, r.Staged = bridge.Stored, id, r.DocumentID
	return true, j.checkpoint(r)
}

// settleDocument waits until the document survives a power failure. The notice need not wait:
// the message stays in the queue until both are done, and Add makes the document again.
func (j *job) settleDocument(ctx context.Context, id string) error {
	settler, ok := j.documents().(proxy.Settler)
	if !ok || j.record.State == bridge.Stored || j.deliverer() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, j.cfg.StoreTime)
	defer cancel()
	if err := settler.Settle(ctx, id); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	crashPoint("settled")
	return nil
}

// inPlace reports whether the staged content becomes the document itself.
func (j *job) inPlace() bool { return any(j.documents()) == any(j.cfg.Staging) }

// documents is the store that takes the upload's file.
func (j *job) documents() proxy.Documents { return proxy.StoreOf(j.cfg.Documents, j.record.Document()) }

func document(r proxy.Record) (proxy.Document, error) {
	d := r.Document()
	if d.SHA256 == ([32]byte{}) {
		e := bridge.WrapError(bridge.CodeInternal, errors.New("the upload's record has no digest"))
		e.Retry = false
		return d, e
	}
	return d, nil
}

// announce posts the notice. It is not interrupted when the upload is cancelled meanwhile:
// its outcome would be unknown then.
func (j *job) announce() (bridge.Event, error) {
	if j.overtaken.Load() {
		return bridge.Event{}, errOvertaken
	}
	ctx, cancel := context.WithTimeout(j.working, j.announceTime())
	defer cancel()
	if !j.fresh() {
		e, found, err := j.find(ctx)
		if found || err != nil {
			return e, err
		}
	}
	r := j.record
	notice := bridge.Announcement{
		Name: r.Name, Size: r.Size, DocumentID: r.DocumentID, UploadType: r.UploadType,
		Description: r.Description, Key: r.Key, Custom: r.Custom,
	}.Notice(r.Visibility)
	var e bridge.Event
	var err error
	if d := j.deliverer(); d != nil {
		e, err = j.handOver(ctx, d, notice)
	} else {
		e, err = j.post(ctx, notice)
	}
	if err != nil {
		return e, fmt.Errorf("announce: %w", err)
	}
	if !e.IsFile() {
		return e, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	crashPoint("announced")
	return e, nil
}

// find looks for the notice in the transcript.
func (j *job) find(ctx context.Context) (bridge.Event, bool, error) {
	e, found, err := j.cfg.Chat.FindKey(ctx, j.record.Session, j.record.Key)
	if err != nil {
		return e, false, fmt.Errorf("look for the notice: %w", err)
	}
	if found && !e.IsFile() {
		return e, false, bridge.NewError(bridge.CodeUploadConflict, "")
	}
	if !found {
		e, found, _, err = j.findOfStore(ctx)
	}
	return e, found, err
}

// conclude records that the upload is announced. If the sender cancelled it too late, or
// another holder failed it, the record is corrected, because the transcript has the notice.
func (j *job) conclude(e bridge.Event) error {
	ctx, cancel := context.WithTimeout(j.working, j.cfg.StoreTime)
	defer cancel()
	for r := j.record; ; {
		r.State, r.Code = bridge.Announced, ""
		r.FileID, r.Event, r.Tries = e.Data.Get(bridge.KeyFileID), e.ID, j.try
		if j.deliverer() != nil {
			r.Staged, r.DocumentID = staged(r), e.Data.Get(bridge.KeyDocumentID)
		}
		_, err := j.cfg.Records.Update(ctx, r)
		if err == nil {
			crashPoint("concluded")
			j.log.Info("upload announced", "user", r.UserID, "document", r.DocumentID, "file", r.FileID, "size", r.Size,
				"digest", r.Digest, "verdict", r.Verdict, "tries", r.Tries, "after", time.Since(j.record.Changed))
			return nil
		}
		if !errors.Is(err, proxy.ErrRecordChanged) {
			return err
		}
		r, err = j.cfg.Records.Get(ctx, r.Session, r.Key)
		if errors.Is(err, proxy.ErrRecordUnknown) || err == nil && r.State == bridge.Announced {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
