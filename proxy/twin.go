package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"attache/bridge"
)

// fileSum is what two files have in common that are the same.
type fileSum struct {
	name string
	size int64
	sum  [32]byte
}

// pending returns the keys of the party's uploads under way, except one.
func (t *Transfers) pending(who Identity, except string) (keys []string) {
	p, ok := t.cfg.Records.(Pending)
	if !ok {
		return nil
	}
	for _, key := range p.Pending(who.Session, who.Party.UserID) {
		if key != except {
			keys = append(keys, key)
		}
	}
	return keys
}

// unseenTime bounds how long ago a file was announced that a client may send again because it has
// not seen the notice.
const unseenTime = 10 * time.Minute

// unseen returns the keys of the party's files that were announced from that event on: between the
// client's last look and its next try the first one may have been announced. If they cannot be
// read, a file that is sent again is another one.
func (t *Transfers) unseen(ctx context.Context, who Identity, from int64) (keys []string) {
	chat, ok := t.cfg.Chat.(Transcripts)
	if from <= 0 || !ok {
		return nil
	}
	chat.Transcript(ctx, who.Session, from-1, func(e bridge.Event) error {
		if e.IsFile() && e.From.UserID == who.Party.UserID && time.Since(time.UnixMilli(e.At)) < unseenTime {
			keys = append(keys, e.Data.Get(bridge.KeyFileKey))
		}
		return nil
	})
	return keys
}

// twin finds an upload of the party, among those with these keys, that has the same file and is
// accepted, or was announced meanwhile.
func (t *Transfers) twin(ctx context.Context, who Identity, is fileSum, keys []string) (Record, bool) {
	digest := hex.EncodeToString(is.sum[:])
	for _, r := range t.likely(ctx, who, is.name, keys) {
		if r.Size == is.size && r.Digest == digest {
			return r, true
		}
	}
	return Record{}, false
}

// likely returns those of the uploads that are complete and have that name.
func (t *Transfers) likely(ctx context.Context, who Identity, name string, keys []string) (list []Record) {
	for _, key := range keys {
		r, err := t.cfg.Records.Get(ctx, who.Session, key)
		if err != nil || r.UserID != who.Party.UserID || r.Name != name || r.Deletion != "" {
			continue
		}
		switch r.State {
		case bridge.Accepted, bridge.Scanning, bridge.Stored, bridge.Announced:
			list = append(list, r)
		}
	}
	return list
}

// findRefused finds the upload of which a refused file is a repetition: the first one may have
// used up the limits, or may be under way with another copy, which is waited for. Nothing is stored
// for that; the content is read and its digest compared.
func (t *Transfers) findRefused(ctx context.Context, who Identity, o Offer, s Stream, keys []string, me *copying, refusal error) (Record, bool) {
	switch bridge.CodeOf(refusal) {
	case bridge.CodeFileCount, bridge.CodeTotalSize, bridge.CodeBusy:
	default:
		return Record{}, false
	}
	others := t.copies.others(who.seat(), me)
	keys = append(keys, t.copies.twins(me)...)
	most := int64(-1)
	if len(others) > 0 {
		most = s.AtMost
		if limit := t.Limits(who, o.Limits).MaxFileSize; limit != bridge.NoLimit && (most < 0 || limit < most) {
			most = limit
		}
	}
	for _, r := range t.likely(ctx, who, o.Name, keys) {
		if r.Size >= s.AtLeast && (s.AtMost < 0 || r.Size <= s.AtMost) {
			most = max(most, r.Size)
		}
	}
	if most < 0 {
		return Record{}, false
	}
	h := sha256.New()
	size, err := io.Copy(h, io.LimitReader(s, most+1))
	if err != nil || size > most {
		return Record{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	t.copies.wait(ctx, others)
	keys = append(append(keys, t.copies.twins(me)...), t.pending(who, "")...)
	return t.twin(ctx, who, fileSum{o.Name, size, [32]byte(h.Sum(nil))}, keys)
}
