package deliver

import (
	"context"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// deletionPause is how long a loop waits before it looks again for the notice of a deletion
// that was asked for.
const deletionPause = 200 * time.Millisecond

// delete finishes the deletion of an announced file: it removes the document once the notice
// is in the transcript. If no notice is there after a while, the deletion was refused or never
// posted, and the file stays.
func (j *job) delete(ctx context.Context) error {
	if err := j.writeAudit(); err != nil { // of the announcement, whose message this one may have replaced
		return err
	}
	r := j.record
	posted, err := j.deletionPosted(ctx)
	if err != nil {
		return err
	}
	if posted {
		if err := j.unlink(ctx); err != nil {
			return err
		}
		crashPoint("unlinked")
		r.Deletion = proxy.Deleted
		return j.checkpoint(r)
	}
	if left := j.cfg.Grace - time.Since(j.written); left > 0 {
		return &notYet{min(left, deletionPause)}
	}
	r.Deletion = ""
	return j.checkpoint(r)
}

func (j *job) deletionPosted(ctx context.Context) (bool, error) {
	if j.record.Deletion == proxy.DeletionPosted {
		return true, nil
	}
	_, found, err := j.cfg.Chat.FindKey(ctx, j.record.Session, proxy.DeletionKey(j.record.Session, j.record.FileID))
	return found, err
}

// unlink removes the file's own link of the document, and the session's unless another file of
// the session has the document too. A store without links removes the document itself, unless
// it may be that of other files.
func (j *job) unlink(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, j.cfg.StoreTime)
	defer cancel()
	r := j.record
	links, linked := j.cfg.Documents.(proxy.Links)
	if linked && r.Attached {
		if err := links.Unlink(ctx, r.DocumentID, proxy.FileLink(r.Session, r.Key)); err != nil {
			return err
		}
	}
	named, err := proxy.Named(ctx, j.cfg.Chat, r.Session, r.DocumentID)
	switch {
	case named || err != nil:
		return err
	case linked:
		return links.Unlink(ctx, r.DocumentID, r.Session)
	case r.Attached || r.UploadType == bridge.FromStandardResponse:
		return nil
	}
	return j.cfg.Documents.Remove(ctx, r.DocumentID)
}
