package deliver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// delete asks for the deletion of an announced file, and posts its notice if posted is set.
func (w *world) delete(key string, posted bool) {
	w.t.Helper()
	r := w.awaitState(key, bridge.Announced)
	r.Deletion = proxy.DeletionAsked
	w.update(r)
	if !posted {
		return
	}
	_, err := w.chat.Post(w.t.Context(), session, r.UserID, bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileDeleted,
		Data: bridge.Data{bridge.Text(bridge.KeyFileID, r.FileID)}, Key: proxy.DeletionKey(session, r.FileID),
	})
	require.NoError(w.t, err)
}

// A loop that dies at any step of a deletion leaves the rest to the next one.
func TestDeletion_CrashBetweenSteps(t *testing.T) {
	for _, border := range []string{"taken", "unlinked", "checkpointed"} {
		t.Run(border, func(t *testing.T) {
			w := newWorld(t)
			options := func(o *deliver.Options) { o.Lease = brief }
			first := w.start(options)
			key := w.accepted().Key
			w.announcedOnce(key)
			w.stop(first)
			dead := dieAt(t, border)
			second := w.start(options)
			w.delete(key, true)
			<-dead
			w.kill(second)
			w.start(options)
			w.await(key, func(r proxy.Record) bool { return r.Deletion == proxy.Deleted })
			w.nothingStored()
			w.announcedOnce(key)
		})
	}
}

// A deletion that was asked for and never posted, because its proxy has died or Chat Server has
// refused it, leaves the file as it was.
func TestDeletion_NeverPosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(nil)
	key := w.accepted().Key
	w.announcedOnce(key)
	w.delete(key, false)
	r := w.await(key, func(r proxy.Record) bool { return r.Deletion == "" })
	require.Equal(t, bridge.Announced, r.State)
	_, documents := w.store.kept()
	require.Len(t, documents, 1)
	linked, err := w.records.Linked(t.Context())
	require.NoError(t, err)
	require.True(t, linked[r.DocumentID], "a sweep spares it")
}

// The deletion may be asked for before the record says that the file is announced.
func TestDeletion_BeforeTheRecordIsFinal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.draft(w.accept)
	r.Deletion = proxy.DeletionPosted
	w.create(r)
	w.start(nil)
	w.await(r.Key, func(r proxy.Record) bool { return r.Deletion == proxy.Deleted && r.State == bridge.Announced })
	w.nothingStored()
}
