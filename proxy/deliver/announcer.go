package deliver

import (
	"context"
	"errors"
	"fmt"

	"attache/bridge"
	"attache/proxy"
)

// errNotAnnounced is retried like an outage: the store's system takes its time, or is down.
var errNotAnnounced = bridge.WrapError(bridge.CodeChatUnavailable, errors.New("the system that stored the file has not announced it yet"))

// post posts the notice, unless the document's system posts it.
func (j *job) post(ctx context.Context, notice bridge.Event) (bridge.Event, error) {
	if e, announces, err := j.announcedByStore(ctx); announces || err != nil {
		return e, err
	}
	return j.cfg.Chat.Post(ctx, j.record.Session, j.record.UserID, notice)
}

// announcedByStore returns the notice that the document's system posts itself; announces is
// false if it posts none.
func (j *job) announcedByStore(ctx context.Context) (e bridge.Event, announces bool, err error) {
	e, found, announces, err := j.findOfStore(ctx)
	if err == nil && announces && !found {
		err = errNotAnnounced
	}
	return e, announces, err
}

// findOfStore looks in the transcript for the notice that the document's system has posted. It
// names the document, and not the upload.
func (j *job) findOfStore(ctx context.Context) (e bridge.Event, found, announces bool, err error) {
	store, ok := j.documents().(proxy.Announcer)
	if !ok {
		return e, false, false, nil
	}
	id, announces, err := store.Announces(ctx, j.record.DocumentID)
	if err != nil || !announces {
		return e, false, announces, err
	}
	transcripts, ok := j.cfg.Chat.(proxy.Transcripts)
	if !ok {
		return e, false, true, bridge.WrapError(bridge.CodeInternal, errors.New("the Chat Server's transcripts cannot be read"))
	}
	err = transcripts.Transcript(ctx, j.record.Session, 0, func(one bridge.Event) error {
		if one.IsFile() && one.Data.Get(bridge.KeyDocumentID) == id {
			e, found = one, true
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("look for the notice of the document's system: %w", err)
	}
	return e, found, true, err
}
