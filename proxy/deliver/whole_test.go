package deliver_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// checking checks unfinished uploads all the time, and takes each party that has left for
// gone.
func checking(o *deliver.Options) { o.CheckEvery, o.Away = time.Millisecond, time.Nanosecond }

// The proxy was killed between the last byte and the record, and the page never comes back:
// its party has left. The file is announced nevertheless.
func TestWholeUploadOfAPageThatNeverComesBackIsAnnounced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state bridge.UploadState
		body  string
	}{
		"all frames came":     {bridge.Receiving, "hello"},
		"after the offer":     {bridge.Offered, "hello"},
		"an empty file":       {bridge.Offered, ""},
		"of the right digest": {bridge.Receiving, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sum := sha256.Sum256([]byte(test.body))
			digest := hex.EncodeToString(sum[:])
			r := w.create(w.draft(func(r *proxy.Record) {
				r.State, r.Size = test.state, int64(len(test.body))
				if strings.Contains(name, "digest") {
					r.Digest = digest
				}
			}))
			w.store.put(r.DocumentID, []byte(test.body))
			w.chat.left["customer"], w.chat.lenient = true, true
			w.start(checking)
			w.announcedOnce(r.Key)
			got, err := w.records.Get(t.Context(), session, r.Key)
			require.NoError(t, err)
			require.Equal(t, digest, got.Digest)
			require.False(t, got.Accepted.IsZero())
			require.Zero(t, w.records.Load(session, "customer"))
		})
	}
}

// The janitor asks once more before it gives up an upload that is idle for too long.
func TestWholeUploadIsNotGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.offered()
	w.store.put(r.DocumentID, []byte("hello"))
	w.start(func(o *deliver.Options) { o.Idle, o.CheckEvery = time.Nanosecond, time.Hour })
	w.announcedOnce(r.Key)
}

func TestContentThatIsNotWholeIsNotAccepted(t *testing.T) {
	t.Parallel()
	other := sha256.Sum256([]byte("hullo"))
	for name, test := range map[string]struct {
		prepare func(w *world, r *proxy.Record)
		code    bridge.Code
	}{
		"a byte is missing": {func(w *world, r *proxy.Record) { w.store.put(r.DocumentID, []byte("hell")) }, bridge.CodeTimeout},
		"a byte too many":   {func(w *world, r *proxy.Record) { w.store.put(r.DocumentID, []byte("hello!")) }, bridge.CodeTimeout},
		"nothing is stored": {func(w *world, r *proxy.Record) {}, bridge.CodeTimeout},
		"its bytes are others": {func(w *world, r *proxy.Record) {
			w.store.torn = map[string]bool{r.DocumentID: true}
			w.store.put(r.DocumentID, []byte("h\x00llo"))
		}, bridge.CodeTimeout},
		"another digest was declared": {func(w *world, r *proxy.Record) {
			r.Digest = hex.EncodeToString(other[:])
			w.store.put(r.DocumentID, []byte("hello"))
		}, bridge.CodeDigest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.draft(func(r *proxy.Record) { test.prepare(w, r) })
			w.create(r)
			w.chat.left["customer"] = true
			codes := make(chan bridge.Code, 10)
			w.records.OnWritten(func(r proxy.Record) { codes <- r.Code })
			w.start(checking)
			require.Equal(t, test.code, <-codes)
			w.nothingStored()
			require.Empty(t, w.chat.notices())
			w.eventually(func() bool { return w.chat.releases(r.Key) > 0 })
		})
	}
}

// An outage of the store is not the end of an upload, and content that is known to be
// incomplete is not read again before it changes.
func TestContentIsReadOncePerChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.offered()
	w.store.put(r.DocumentID, []byte("hel"))
	w.store.unreadable = errAway
	var looks atomic.Int64
	w.chat.asked = func() { looks.Add(1) }
	w.start(func(o *deliver.Options) { o.CheckEvery = time.Millisecond })
	wholes := func() int {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		return w.store.wholes
	}
	w.eventually(func() bool { return wholes() > 3 })
	w.store.mu.Lock()
	w.store.unreadable, w.store.wholes = nil, 0
	w.store.mu.Unlock()
	before := looks.Load()
	w.eventually(func() bool { return looks.Load() > before+5 })
	require.Equal(t, 1, wholes())

	w.store.put(r.DocumentID, []byte("hello"))
	r.State = bridge.Receiving
	w.update(r)
	w.announcedOnce(r.Key)
}
