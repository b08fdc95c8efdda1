package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"attache/bridge"
)

// DeletionKey is the key of the notice that deletes a file, so that every proxy that is asked
// for the deletion posts the same one.
func DeletionKey(session, fileID string) string {
	sum := sha256.Sum256([]byte("delete/" + session + "/" + fileID))
	return hex.EncodeToString(sum[:16])
}

// Delete deletes a file of the chat: it posts the notice and returns it as stored. The Chat
// Server decides whether the party may. From then on the file is unknown to everyone who asks
// for it, and a download that has begun ends at its next request. The delivery loop removes
// the document soon after, unless another file of the session has the same one. Deleting a
// file again returns the same notice.
func (t *Transfers) Delete(ctx context.Context, who Identity, fileID, conn string) (bridge.Event, error) {
	if err := who.Rights.Need(bridge.RightUpload); err != nil {
		return bridge.Event{}, err
	}
	file, record, ours, err := t.markDeletion(ctx, who, fileID)
	if err != nil {
		return bridge.Event{}, err
	}
	key := DeletionKey(who.Session, fileID)
	e, err := t.cfg.Chat.Post(ctx, who.Session, who.Party.UserID, bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileDeleted, Visibility: bridge.All,
		Data: bridge.Data{bridge.Text(bridge.KeyFileID, fileID)}, Key: key,
	})
	if bridge.CodeOf(err) == bridge.CodeUploadConflict {
		err = bridge.NewError(bridge.CodeFileUnknown, "the file was deleted by another party")
	}
	switch {
	case !ours && err == nil:
		t.unlinkAttached(ctx, who, file)
		t.auditDeletion(who, file, conn)
	case err != nil:
		t.unmarkDeletion(ctx, record, err)
	case e.Key != key:
		// Another program has deleted it, so the loop would not find the notice by its key.
		record.Deletion = DeletionPosted
		if _, err := t.cfg.Records.Update(context.WithoutCancel(ctx), record); err != nil && !errors.Is(err, ErrRecordChanged) {
			t.cfg.Log.Warn("the document of a deleted file stays", "session", who.Session, "file", fileID, "error", err)
		}
	}
	return e, err
}

// markDeletion writes the intent to the file's record before its effect. ours is false if the
// file has no record, because another program stored it, or if it cannot be deleted: the Chat
// Server then says why.
func (t *Transfers) markDeletion(ctx context.Context, who Identity, fileID string) (file bridge.File, record Record, ours bool, err error) {
	e, err := t.cfg.Chat.File(ctx, who.Session, who.Party.UserID, fileID)
	if bridge.CodeOf(err) == bridge.CodeFileUnknown {
		return file, Record{}, false, nil
	}
	if err != nil {
		return file, Record{}, false, err
	}
	file, err = bridge.DecodeFile(e)
	if err != nil {
		return file, Record{}, false, err
	}
	for range casTries {
		record, err = t.cfg.Records.Get(ctx, who.Session, file.Key)
		switch {
		case errors.Is(err, ErrRecordUnknown):
			return file, Record{}, false, nil
		case err != nil:
			return file, Record{}, false, bridge.WrapError(bridge.CodeStorageUnavailable, err)
		case record.DocumentID != file.DocumentID || !delivered(record):
			return file, Record{}, false, nil
		case record.Deletion != "":
			return file, record, true, nil
		}
		record.Deletion = DeletionAsked
		marked, err := t.cfg.Records.Update(ctx, record)
		if err == nil {
			return file, marked, true, nil
		}
		if !errors.Is(err, ErrRecordChanged) {
			return file, Record{}, false, bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
	}
	return file, Record{}, false, bridge.NewError(bridge.CodeBusy, "")
}

// unmarkDeletion takes the intent back if the Chat Server has refused it. If the outcome is
// unclear, the delivery loop finds out.
func (t *Transfers) unmarkDeletion(ctx context.Context, record Record, refusal error) {
	ctx = context.WithoutCancel(ctx)
	var e *bridge.Error
	if !errors.As(refusal, &e) || e.Retry {
		return
	}
	for range casTries {
		if record.Deletion != DeletionAsked {
			return
		}
		record.Deletion = ""
		_, err := t.cfg.Records.Update(ctx, record)
		if !errors.Is(err, ErrRecordChanged) {
			return // or the delivery loop does it
		}
		if record, err = t.cfg.Records.Get(ctx, record.Session, record.Key); err != nil {
			return
		}
	}
}

// unlinkAttached removes the link of an attached file whose record was never made, because its
// proxy died after it had posted the notice. No other file has that link.
func (t *Transfers) unlinkAttached(ctx context.Context, who Identity, file bridge.File) {
	links, ok := t.cfg.Documents.(Links)
	link := FileLink(who.Session, file.Key)
	if !ok || file.ID == "" || CheckLink(link) != nil {
		return
	}
	if err := links.Unlink(context.WithoutCancel(ctx), file.DocumentID, link); err != nil {
		t.cfg.Log.Warn("the document of a deleted file stays", "session", who.Session, "file", file.ID, "error", err)
	}
}

// auditDeletion records the deletion of a file that has no record, because another program
// stored it: its document is that program's.
func (t *Transfers) auditDeletion(who Identity, file bridge.File, conn string) {
	if file.ID == "" {
		return // it was deleted before
	}
	err := t.cfg.Audit.Write(AuditRecord{
		Action: ActionDeleted, Session: who.Session, UserID: who.Party.UserID, UserType: who.Party.UserType, Conn: conn,
		FileID: file.ID, DocumentID: file.DocumentID, Size: file.Size,
	})
	if err != nil {
		t.cfg.Log.Error("a deletion is not in the audit log", "session", who.Session, "user", who.Party.UserID, "error", err)
	}
}

// Named reports whether a file of the session that was not deleted has the document. A Chat
// Server whose transcripts cannot be read keeps a document of several files itself.
func Named(ctx context.Context, chat ChatServer, session, documentID string) (bool, error) {
	t, ok := chat.(Transcripts)
	if !ok {
		return false, nil
	}
	named := map[string]bool{}
	err := t.Transcript(ctx, session, 0, func(e bridge.Event) error {
		if id := e.Deletes(); id != "" {
			delete(named, id)
		} else if e.IsFile() && e.Data.Get(bridge.KeyDocumentID) == documentID {
			named[e.Data.Get(bridge.KeyFileID)] = true
		}
		return nil
	})
	return len(named) > 0, err
}
