package deliver_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// An upload whose party has left is removed, however little is missing, and its key can be
// used again; an upload of a party that is present stays.
func TestH1AbandonedUploadsAreRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := w.offered()
	w.store.put(gone.DocumentID, []byte("hell")) // one byte is missing
	here := w.create(w.draft(func(r *proxy.Record) { r.UserID = "another" }))
	agents := w.create(w.draft(func(r *proxy.Record) { r.UserID, r.Customer = "agent", false }))
	over := w.create(w.draft(func(r *proxy.Record) { r.Session = "chat-2" }))
	w.chat.left["customer"], w.chat.left["agent"] = true, true
	w.chat.ended["chat-2"] = true
	ended := w.written()
	w.start(func(o *deliver.Options) { o.Away, o.CheckEvery, o.Sweep = time.Nanosecond, time.Millisecond, time.Hour })
	require.Equal(t, []bridge.UploadState{bridge.Failed, bridge.Failed, bridge.Failed}, ended(3))
	w.forgotten(gone.Key)
	w.forgotten(agents.Key)
	require.Positive(t, w.chat.releases(gone.Key))
	staged, _ := w.store.kept()
	require.Empty(t, staged)
	r, err := w.records.Get(t.Context(), over.Session, over.Key)
	require.NoError(t, err)
	require.Equal(t, bridge.CodeSessionEnded, r.Code, "kept to answer a page that comes back")
	r, err = w.records.Get(t.Context(), session, here.Key)
	require.NoError(t, err)
	require.Equal(t, bridge.Offered, r.State)
	require.Equal(t, proxy.Load{Files: 1, Bytes: 5}, w.records.Load(session, "another"))
	w.create(w.draft(func(r *proxy.Record) { r.Key = gone.Key }))
}

// A party has the time Away to come back, from when it was last present.
func TestH1AbandonedUploadsWaitForTheirParty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.offered()
	looks := make(chan struct{}, 100)
	w.chat.asked = func() {
		select {
		case looks <- struct{}{}:
		default:
		}
	}
	w.chat.left["customer"] = true
	w.start(func(o *deliver.Options) { o.Away, o.CheckEvery = time.Hour, time.Millisecond })
	for range 5 {
		<-looks
	}
	got, err := w.records.Get(t.Context(), session, r.Key)
	require.NoError(t, err)
	require.Equal(t, bridge.Offered, got.State)
}

// A party's unfinished uploads are known in every proxy, and after a restart.
func TestUnfinishedUploadsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.open()
	first, second := w.offered(), w.offered()
	want := proxy.Load{Files: 2, Bytes: 10}
	require.Equal(t, want, w.records.Load(session, "customer"))
	w.eventually(func() bool { return other.Load(session, "customer") == want })
	require.Zero(t, other.Load(session, "nobody"))

	first.State = bridge.Announced
	w.update(first)
	second.State = bridge.Cancelled
	second = w.update(second)
	want = proxy.Load{Lost: 1, Bytes: 5} // which may still be on the disk
	require.Equal(t, want, w.records.Load(session, "customer"))
	w.eventually(func() bool { return other.Load(session, "customer") == want })

	late := w.open()
	require.Zero(t, late.Load(session, "customer"), "it has not looked yet")
	w.records = late
	w.start(nil)
	w.eventually(func() bool { return late.Load(session, "customer") == want })
}
