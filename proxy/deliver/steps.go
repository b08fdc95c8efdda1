package deliver

import (
	"context"
	"encoding/hex"
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
	e, err := j.announce()
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
	id, err := j.cfg.Documents.Add(bounded, d)
	if err != nil {
		return false, fmt.Errorf("store: %w", err)
	}
	crashPoint("stored")
	if id == j.record.DocumentID && j.inPlace() {
		return false, nil
	}
	r := j.record
	r.State, r.DocumentID, r.Staged = bridge.Stored, id, r.DocumentID
	return true, j.checkpoint(r)
}

// inPlace reports whether the staged content becomes the document itself.
func (l *Loop) inPlace() bool { return any(l.cfg.Documents) == any(l.cfg.Staging) }

func document(r proxy.Record) (proxy.Document, error) {
	name := bridge.SafeName(r.Name, "").Text // a desktop that reads the store may not clean names
	d := proxy.Document{ID: r.DocumentID, Name: name, MimeType: r.MimeType, Description: r.Description, Size: r.Size, Created: r.Created}
	digest, err := hex.DecodeString(r.Digest)
	if err != nil || copy(d.SHA256[:], digest) != len(d.SHA256) {
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
		e, err = j.cfg.Chat.Post(ctx, r.Session, r.UserID, notice)
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
	return e, found, nil
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
