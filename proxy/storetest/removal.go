package storetest

import (
	"sync"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

var removalCases = []storeCase{
	{name: "Discard removes the content: nothing of it is staged, added or appended to", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content, 400)
		require.NoError(t, s.Discard(t.ctx, id))
		nothingStaged(t, s, id)
		mustRefuse(t, bridge.CodeSuperseded, refused(t, w, content), "the writer")
		_, err := s.Add(t.ctx, document(id, content))
		mustRefuse(t, bridge.CodeDigest, err, "Add")
		unknown(t, s, id)
		wholeAt(t, begin(t, s, id, content, -1), nil, 0)
	}},
	{name: "Discard may be repeated, and an unknown id is not an error", body: func(t *T) {
		s := t.open(Options{})
		id := stage(t, s, random(1000), 400)
		for range 3 {
			require.NoError(t, s.Discard(t.ctx, id))
		}
		require.NoError(t, s.Discard(t.ctx, s.NewID()))
		begun, _ := fresh(t, s, random(10))
		require.NoError(t, s.Discard(t.ctx, begun), "content without a byte")
	}},
	{name: "Discard of a document leaves it", body: func(t *T) {
		s := t.open(Options{})
		for _, content := range [][]byte{random(1000), nil} {
			id := put(t, s, content, 400)
			require.NoError(t, s.Discard(t.ctx, id))
			same(t, content, read(t, s, id), "the document")
			add(t, s, id, content)
		}
	}},
	{name: "the same bytes may come again after Discard", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := stage(t, s, content, 400)
		for _, restart := range []bool{false, true} {
			require.NoError(t, s.Discard(t.ctx, id))
			if restart {
				s = t.reopen(s, Options{})
			}
			w := begin(t, s, id, content, 0)
			wholeAt(t, w, content, 0)
			write(t, w, content, 300)
		}
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "Discard while pieces are under way leaves nothing", body: func(t *T) {
		s := t.open(Options{})
		content := random(30 * 1000)
		for range 5 {
			id, w := fresh(t, s, content)
			f := newFlight(t)
			for rest := content; len(rest) > 0; rest = rest[1000:] {
				require.NoError(t, f.append(w, rest[:1000]))
			}
			require.NoError(t, s.Discard(t.ctx, id))
			f.land()
			nothingStaged(t, s, id)
			wholeAt(t, begin(t, s, id, content, -1), nil, 0)
		}
	}},
	{name: "of Discard and Add at once, one comes entirely before the other", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		for range 20 {
			id := stage(t, s, content, 400)
			var both sync.WaitGroup
			var added, discarded error
			both.Go(func() { _, added = s.Add(t.ctx, document(id, content)) })
			both.Go(func() { discarded = s.Discard(t.ctx, id) })
			both.Wait()
			require.NoError(t, discarded)
			if added == nil {
				same(t, content, read(t, s, id), "the document")
				continue
			}
			if bridge.CodeOf(added) != bridge.CodeSuperseded {
				mustRefuse(t, bridge.CodeDigest, added)
			}
			unknown(t, s, id)
			nothingStaged(t, s, id)
		}
	}},
	{name: "a removed document is unknown, its bytes are gone, and others are unharmed", body: func(t *T) {
		s := t.open(Options{})
		kept, gone := random(1000), random(1001)
		keep, id := put(t, s, kept, 400), put(t, s, gone, 400)
		for range 3 {
			require.NoError(t, s.Remove(t.ctx, id))
			unknown(t, s, id)
			nothingStaged(t, s, id)
		}
		same(t, kept, read(t, s, keep), "the other document")
		_, err := s.Add(t.ctx, document(id, gone))
		mustRefuse(t, bridge.CodeDigest, err, "Add")
		unknown(t, s, id)
	}},
	{name: "Remove of an unknown id, or of an upload, removes nothing", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		require.NoError(t, s.Remove(t.ctx, s.NewID()))
		id, w := fresh(t, s, content)
		write(t, w, content[:600], 300)
		require.NoError(t, s.Remove(t.ctx, id))
		write(t, w, content[600:], 300)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "the id of a removed document can be begun again", body: func(t *T) {
		s := t.open(Options{})
		first, second := random(1000), random(1200)
		id := put(t, s, first, 400)
		for _, restart := range []bool{false, true} {
			require.NoError(t, s.Remove(t.ctx, id))
			if restart {
				s = t.reopen(s, Options{})
			}
			w := begin(t, s, id, second, 0)
			wholeAt(t, w, second, 0)
			unknown(t, s, id)
			write(t, w, second, 500)
			add(t, s, id, second)
			same(t, second, read(t, s, id), "the second document")
		}
	}},
	{name: "a document that one process removes, and content that one discards, is gone for every process", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		other := t.beside(s, Options{})
		content := random(1000)
		id := put(t, s, content, 400)
		for _, s := range []Store{s, other} {
			same(t, content, read(t, s, id), "the document")
		}
		require.NoError(t, other.Remove(t.ctx, id))
		unknown(t, s, id)
		id, w := fresh(t, s, content)
		write(t, w, content, 400)
		require.NoError(t, other.Discard(t.ctx, id))
		mustRefuse(t, bridge.CodeSuperseded, refused(t, w, content), "the writer")
		_, err := s.Add(t.ctx, document(id, content))
		mustRefuse(t, bridge.CodeDigest, err, "Add")
	}},
	{name: "several Removes and Settles of one document at once do no harm", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		for range 5 {
			id := put(t, s, content, 400)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					if err := s.Remove(t.ctx, id); err != nil {
						t.Errorf("remove: %v", err)
					}
				})
				if settler, ok := s.Store.(proxy.Settler); ok {
					all.Go(func() {
						if err := settler.Settle(t.ctx, id); err != nil && bridge.CodeOf(err) != bridge.CodeDocument {
							t.Errorf("settle: %v", err)
						}
					})
				}
			}
			all.Wait()
			unknown(t, s, id)
			require.NoError(t, s.Remove(t.ctx, id))
		}
	}},
}
