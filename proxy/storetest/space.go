package storetest

import (
	"context"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

var spaceCases = []storeCase{
	{name: "AdmitUpload fails with storage-full if no new upload should begin; a full store keeps what was acked, without a gap", local: true, body: func(t *T) {
		s := t.open(Options{MaxStore: 4 << 20})
		require.NoError(t, s.AdmitUpload())
		kept := random(1000)
		document := put(t, s, kept, 400)
		content := random(6 << 20)
		id, w := fresh(t, s, content)
		f := newFlight(t)
		var failed error
		for rest := content; len(rest) > 0 && failed == nil; rest = rest[1<<19:] {
			failed = f.append(w, rest[:1<<19])
		}
		var durable int64
		for _, r := range f.land() {
			if r.err == nil {
				durable = max(durable, r.n)
			} else {
				failed = r.err
			}
		}
		mustRefuse(t, bridge.CodeStorageFull, failed)
		mustRefuse(t, bridge.CodeStorageFull, s.AdmitUpload())
		require.Positive(t, durable)
		require.Equal(t, durable, w.Stored())
		s = t.reopen(s, Options{})
		next := begin(t, s, id, content, durable)
		wholeAt(t, next, content, durable)
		same(t, kept, read(t, s, document), "a document of before")
		write(t, next, content[durable:], 1<<19)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the content")
	}},
	{name: "removed and discarded content makes room again", body: func(t *T) {
		s := t.open(Options{MaxStore: 4 << 20})
		content := random(1 << 19)
		for range 12 {
			require.NoError(t, s.Discard(t.ctx, stage(t, s, content, 1<<18)))
			require.NoError(t, s.Remove(t.ctx, put(t, s, content, 1<<18)))
		}
		require.NoError(t, s.AdmitUpload())
	}},
	{name: "appended bytes are bounded by the budget of all writers; ctx ends the wait, and then nothing was appended", body: func(t *T) {
		if !t.target.Buffers {
			return // no bytes wait in memory
		}
		s := t.open(Options{Budget: 1000})
		_, holder := fresh(t, s, random(910))
		_, waiter := fresh(t, s, random(200))
		f := newFlight(t)
		release := f.block(holder, random(10))
		defer release()
		// Until the callback returns, the outcomes of the holder's next pieces are not handled
		// and they stay charged.
		require.NoError(t, f.append(holder, random(900)))
		ctx, cancel := context.WithCancel(t.ctx)
		cancel()
		err := waiter.Append(ctx, random(200), func(int64, error) {})
		require.ErrorIs(t, err, context.Canceled)
		wholeAt(t, waiter, nil, 0)
		release()
		write(t, waiter, random(200), 200)
		f.land()
	}},
	{name: "a piece that is larger than the budget is still taken", body: func(t *T) {
		s := t.open(Options{Budget: 1000})
		content := random(5000)
		same(t, content, read(t, s, put(t, s, content, 2500)), "the document")
	}},
}
