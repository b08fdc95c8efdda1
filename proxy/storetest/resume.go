package storetest

import (
	"crypto/sha256"
	"math"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// The cases about a store whose process has ended and was started again.
var resumeCases = []storeCase{
	{name: "after a restart Begin continues after the last durable byte, or drops bytes that the sender does not know of", body: func(t *T) {
		content := random(300_000)
		const stored = 100_000
		acks := map[string]int64{
			"unknown": -1, "nothing": 0, "less": 60_000, "all": stored, "more": stored + 1, "far more": math.MaxInt64,
		}
		s := t.open(Options{})
		ids := map[string]string{}
		for name := range acks {
			ids[name] = stagePart(t, s, content, stored, 30_000)
		}
		s = t.reopen(s, Options{})
		for name, acked := range acks {
			w, err := s.Begin(t.ctx, offer(ids[name], content), acked)
			require.NoError(t, err, name)
			from := min(acked, stored)
			if acked < 0 {
				from = stored
			}
			require.GreaterOrEqual(t, w.Offset(), from, "%s: acked bytes are gone", name)
			require.LessOrEqual(t, w.Offset(), int64(stored), "%s: it continues after bytes that never came", name)
			wholeAt(t, w, content, w.Offset())
			write(t, w, content[w.Offset():], 70_000)
			require.Equal(t, sha256.Sum256(content), w.Sum(), name)
			require.NoError(t, w.Close())
			add(t, s, ids[name], content)
			same(t, content, read(t, s, ids[name]), name)
		}
	}},
	{name: "an upload survives any number of restarts", body: func(t *T) {
		content := random(50_000)
		s := t.open(Options{})
		id := stagePart(t, s, content, 10_000, 3000)
		for at := int64(10_000); at < 50_000; at += 10_000 {
			s = t.reopen(s, Options{})
			w := begin(t, s, id, content, at)
			wholeAt(t, w, content, at)
			write(t, w, content[at:at+10_000], 4000)
		}
		s = t.reopen(s, Options{})
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the content")
	}},
	{name: "another process continues after the last durable byte", cluster: true, body: func(t *T) {
		content := random(300_000)
		s := t.open(Options{})
		other := t.beside(s, Options{})
		for range 5 {
			id, w := fresh(t, s, content)
			write(t, w, content[:100_000], 30_000)
			w = begin(t, other, id, content, -1)
			wholeAt(t, w, content, 100_000)
			write(t, w, content[100_000:200_000], 70_000)
			w = begin(t, s, id, content, 200_000)
			wholeAt(t, w, content, 200_000)
			write(t, w, content[200_000:], 100_000)
			add(t, s, id, content)
			same(t, content, read(t, other, id), "the content")
		}
	}},
	{name: "content that was complete before a restart becomes a document after it, without another Begin", body: func(t *T) {
		content := random(1000)
		s := t.open(Options{})
		id, empty := stage(t, s, content, 400), stage(t, s, nil, 1)
		s = t.reopen(s, Options{})
		unknown(t, s, id)
		unknown(t, s, empty)
		same(t, content, staged(t, s, id), "the staged content")
		add(t, s, id, content)
		add(t, s, empty, nil)
		same(t, content, read(t, s, id), "the document")
		require.Empty(t, read(t, s, empty))
	}},
	{name: "incomplete content does not become a document after a restart", body: func(t *T) {
		content := random(1000)
		s := t.open(Options{})
		id := stagePart(t, s, content, 600, 200)
		s = t.reopen(s, Options{})
		_, err := s.Add(t.ctx, document(id, content))
		mustRefuse(t, bridge.CodeDigest, err)
		unknown(t, s, id)
		wholeAt(t, begin(t, s, id, content, 600), content, 600)
	}},
	{name: "documents and their descriptions survive a restart, and cannot be written after it", body: func(t *T) {
		content := random(1000)
		s := t.open(Options{})
		id := put(t, s, content, 300)
		if settler, ok := s.Store.(proxy.Settler); ok {
			require.NoError(t, settler.Settle(t.ctx, id))
		}
		s = t.reopen(s, Options{})
		same(t, content, read(t, s, id), "the document")
		described(t, s, document(id, content))
		_, err := s.Begin(t.ctx, offer(id, content), -1)
		mustRefuse(t, bridge.CodeUploadConflict, err)
		add(t, s, id, content)
		require.NoError(t, s.Discard(t.ctx, id))
		same(t, content, read(t, s, id), "the document after a repeated Add and a Discard")
	}},
	{name: "content that was discarded or removed before a restart stays away", body: func(t *T) {
		content := random(1000)
		s := t.open(Options{})
		discarded, removed := stage(t, s, content, 400), put(t, s, content, 400)
		require.NoError(t, s.Discard(t.ctx, discarded))
		require.NoError(t, s.Remove(t.ctx, removed))
		s = t.reopen(s, Options{})
		for _, id := range []string{discarded, removed} {
			unknown(t, s, id)
			nothingStaged(t, s, id)
		}
		wholeAt(t, begin(t, s, discarded, content, -1), content, 0)
	}},
	{name: "an upload may be discarded and a document removed after a restart", body: func(t *T) {
		content := random(1000)
		s := t.open(Options{})
		discarded, removed := stage(t, s, content, 400), put(t, s, content, 400)
		s = t.reopen(s, Options{})
		require.NoError(t, s.Discard(t.ctx, discarded))
		require.NoError(t, s.Remove(t.ctx, removed))
		for _, id := range []string{discarded, removed} {
			unknown(t, s, id)
			nothingStaged(t, s, id)
		}
	}},
	{name: "a writer of a process that has ended stores nothing more", body: func(t *T) {
		content := random(1000)
		s := t.open(Options{})
		id, w := fresh(t, s, content)
		write(t, w, content[:400], 400)
		s.End()
		mustRefuse(t, bridge.CodeStorageUnavailable, refused(t, w, content[400:]))
		require.EqualValues(t, 400, w.Stored())
		s = t.open(Options{})
		require.Error(t, refused(t, w, content[400:]), "after another process began")
		next := begin(t, s, id, content, -1)
		wholeAt(t, next, content, 400)
		require.Error(t, refused(t, w, content[400:]), "after another process continued")
		require.NoError(t, w.Close())
		write(t, next, content[400:], 400)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the content")
	}},
}
