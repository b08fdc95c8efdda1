package storetest

import (
	"sync"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

var closeCases = []storeCase{
	{name: "pieces under way when a writer closes become durable nevertheless, and Begin continues after them", body: func(t *T) {
		s := t.open(Options{})
		content := random(100 * 1000)
		for range 3 {
			id, w := fresh(t, s, content)
			f := newFlight(t)
			for rest := content[:50_000]; len(rest) > 0; rest = rest[1000:] {
				require.NoError(t, f.append(w, rest[:1000]))
			}
			require.NoError(t, w.Close())
			require.NoError(t, w.Close(), "a second time")
			for _, r := range f.land() {
				require.NoError(t, r.err)
			}
			require.EqualValues(t, 50_000, w.Stored())
			next := begin(t, s, id, content, -1)
			wholeAt(t, next, content, 50_000)
			write(t, next, content[50_000:], 10_000)
			add(t, s, id, content)
			same(t, content, read(t, s, id), "the content")
		}
	}},
	{name: "a writer that was closed appends durably or fails", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content[:600], 300)
		require.NoError(t, w.Close())
		end := int64(600)
		if refused(t, w, content[600:]) == nil {
			end = 1000
		}
		require.Equal(t, end, w.Stored())
		next := begin(t, s, id, content, -1)
		wholeAt(t, next, content, end)
	}},
	{name: "Close may be called while another goroutine appends: what was reported durable is", body: func(t *T) {
		s := t.open(Options{})
		content := random(60 * 1000)
		for try := range 6 {
			id, w := fresh(t, s, content)
			f := newFlight(t)
			var closing sync.WaitGroup
			for i := range 60 {
				if i == 10*try {
					closing.Go(func() {
						if err := w.Close(); err != nil {
							t.Errorf("close: %v", err)
						}
					})
				}
				if i == 55 {
					closing.Wait() // the last pieces come too late
				}
				if f.append(w, content[i*1000:(i+1)*1000]) != nil {
					break
				}
			}
			closing.Wait()
			var durable int64
			for _, r := range f.land() {
				if r.err == nil {
					durable = max(durable, r.n)
				}
			}
			require.Equal(t, durable, w.Stored())
			next := begin(t, s, id, content, durable)
			require.GreaterOrEqual(t, next.Offset(), durable)
			wholeAt(t, next, content, next.Offset())
			write(t, next, content[next.Offset():], 50_000)
			add(t, s, id, content)
			same(t, content, read(t, s, id), "the content")
		}
	}},
	{name: "closing a superseded writer does not harm the next one", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, old := fresh(t, s, content)
		write(t, old, content[:300], 300)
		next := begin(t, s, id, content, 300)
		require.NoError(t, old.Close())
		write(t, next, content[300:600], 300)
		mustRefuse(t, bridge.CodeSuperseded, refused(t, old, content[300:600]))
		require.NoError(t, old.Close())
		write(t, next, content[600:], 300)
		add(t, s, id, content)
		require.NoError(t, old.Close())
		require.NoError(t, next.Close())
		same(t, content, read(t, s, id), "the content")
	}},
	{name: "closing a writer of discarded content brings nothing back", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content, 300)
		require.NoError(t, s.Discard(t.ctx, id))
		require.NoError(t, w.Close())
		nothingStaged(t, s, id)
		wholeAt(t, begin(t, s, id, content, -1), nil, 0)
	}},
}
