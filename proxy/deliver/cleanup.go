package deliver

import (
	"context"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// cleanUp removes the remains of an upload that has ended. Every part of it may be
// repeated.
func (j *job) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, j.cfg.StoreTime)
	defer cancel()
	r := j.record
	if idle(r) {
		return nil
	}
	if r.State == bridge.Announced && r.Staged == "" {
		return nil // it is to be deleted
	}
	if r.State == bridge.Announced {
		return j.cfg.Staging.Discard(ctx, r.Staged)
	}
	// A store that frees at once is asked first: what has left the disk is not to count after the
	// release.
	var discarded error
	_, frees := j.cfg.Staging.(proxy.Freeing)
	if frees {
		discarded = j.cfg.Staging.Discard(ctx, staged(r))
	}
	if err := j.release(ctx, frees && discarded == nil); err != nil {
		return errors.Join(discarded, err)
	}
	if !frees {
		discarded = j.cfg.Staging.Discard(ctx, staged(r))
	}
	if discarded != nil {
		return discarded
	}
	return j.unstore(ctx)
}

func staged(r proxy.Record) string {
	if r.Staged != "" {
		return r.Staged
	}
	return r.DocumentID
}

// release gives the reservation back; freed says that its content has left the disk.
func (j *job) release(ctx context.Context, freed bool) error {
	a, ok := j.cfg.Chat.(proxy.Allowances)
	if !ok || !j.record.Customer {
		return nil
	}
	if freed {
		// If it fails, the bytes count for a while after the release.
		a.Correct(ctx, j.record.Session, j.record.UserID, j.record.Key, 0)
	}
	err := a.Release(ctx, j.record.Session, j.record.UserID, j.record.Key)
	if permanent(err) {
		return nil // an ended session has no reservations
	}
	return err
}

// unstore removes the document, if it was created, once no holder of an earlier message can
// still announce it. If one has announced it, the upload is announced after all.
func (j *job) unstore(ctx context.Context) error {
	grace := j.cfg.Grace
	if j.deliverer() != nil {
		if j.record.Accepted.IsZero() {
			return nil // its delivery never began
		}
		grace = max(grace, j.announceTime())
	} else if stored, err := j.stored(ctx); !stored || err != nil {
		return err
	}
	if left := grace - time.Since(j.written); left > 0 {
		return &notYet{left}
	}
	e, found, err := j.find(ctx)
	if found {
		return j.conclude(e)
	}
	if err != nil && !permanent(err) {
		return err
	}
	if j.deliverer() != nil {
		return nil // nothing is stored without its notice
	}
	crashPoint("orphaned")
	return j.cfg.Documents.Remove(ctx, j.record.DocumentID)
}

func (j *job) stored(ctx context.Context) (bool, error) {
	if l, ok := j.documents().(proxy.Leftovers); ok {
		if left, err := l.Leftover(ctx, j.record.DocumentID); left || err != nil {
			return left, err
		}
	}
	content, err := j.cfg.Documents.Open(ctx, j.record.DocumentID)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, content.Close()
}
