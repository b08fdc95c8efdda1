package deliver_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

func (w *world) forgotten(key string) {
	w.t.Helper()
	w.eventually(func() bool {
		_, err := w.records.Get(w.t.Context(), session, key)
		return err == proxy.ErrRecordUnknown
	})
}

func TestIdleUploadFails(t *testing.T) {
	t.Parallel()
	for _, state := range []bridge.UploadState{bridge.Offered, bridge.Receiving} {
		t.Run(string(state), func(t *testing.T) {
			w := newWorld(t)
			r := w.offered()
			r.State = state
			w.store.put(r.DocumentID, []byte("hel"))
			r = w.update(r)
			w.start(func(o *deliver.Options) { o.Idle = time.Nanosecond })
			got := w.awaitState(r.Key, bridge.Failed)
			require.Equal(t, bridge.CodeTimeout, got.Code)
			w.nothingStored()
			w.eventually(func() bool { return w.chat.releases(r.Key) > 0 })
		})
	}
}

func TestUploadOfAnEndedSessionFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.offered()
	w.chat.ended[session] = true
	w.start(nil)
	require.Equal(t, bridge.CodeSessionEnded, w.awaitState(r.Key, bridge.Failed).Code)
	w.nothingStored()
}

// TestFinalRecordsAreForgotten has two loops sweep the same records all the time.
func TestFinalRecordsAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sweep := func(o *deliver.Options) {
		o.Sweep, o.Keep, o.KeepAnnounced, o.Idle = time.Millisecond, time.Nanosecond, time.Nanosecond, time.Nanosecond
	}
	w.start(sweep)
	w.start(sweep)
	for range 5 {
		w.forgotten(w.offered().Key)
		w.forgotten(w.accepted().Key)
		cancelled := w.accepted()
		cancelled.State = bridge.Cancelled
		if _, err := w.records.Update(t.Context(), cancelled); err == nil {
			// It may have been announced at that moment, and then it stays announced.
			w.eventually(func() bool { return w.chat.releases(cancelled.Key) > 0 || w.chat.notices()[cancelled.Key] > 0 })
		}
		w.forgotten(cancelled.Key)
	}
}

// TestUnfinishedRecordsAreKept sweeps with an upload that waits for its chat server, one
// whose bytes are arriving, and two that ended just now.
func TestUnfinishedRecordsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chat.before = func(string) error { return errAway }
	coming, waiting := w.offered(), w.accepted()
	failed, announced := w.offered(), w.offered()
	failed.State, failed.Code = bridge.Failed, bridge.CodeDigest
	announced.State = bridge.Announced
	w.update(failed)
	w.update(announced)
	// The last record is swept last, and its session has ended.
	w.chat.ended["chat-2"] = true
	fence, err := w.records.Create(t.Context(), proxy.Record{Session: "chat-2", Key: coming.Key, State: bridge.Offered})
	require.NoError(t, err)
	w.start(func(o *deliver.Options) { o.Tries = 1 << 30 })
	w.eventually(func() bool {
		r, err := w.records.Get(t.Context(), fence.Session, fence.Key)
		return err == nil && r.State == bridge.Failed
	})
	for key, state := range map[string]bridge.UploadState{
		coming.Key: bridge.Offered, waiting.Key: bridge.Accepted, failed.Key: bridge.Failed, announced.Key: bridge.Announced,
	} {
		r, err := w.records.Get(t.Context(), session, key)
		require.NoError(t, err)
		require.Equal(t, state, r.State)
	}
}
