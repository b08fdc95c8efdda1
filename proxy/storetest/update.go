package storetest

import (
	"context"
	"crypto/sha256"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

var updateCases = []storeCase{
	{name: "Update of attributes leaves the bytes, the time of creation and the links", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := putFor(t, s, content, "first")
		before, err := s.Describe(t.ctx, id)
		require.NoError(t, err)
		d := proxy.Document{ID: id, Name: "Neu.txt", MimeType: "text/plain", Description: "another"}
		for range 2 {
			require.NoError(t, s.Update(t.ctx, d, ""))
		}
		want := before
		want.Name, want.MimeType, want.Description = d.Name, d.MimeType, d.Description
		for _, restart := range []bool{false, true} {
			if restart {
				s = t.reopen(s, Options{})
			}
			got, err := s.Describe(t.ctx, id)
			require.NoError(t, err)
			require.Equal(t, want, got)
			described(t, s, want)
			same(t, content, read(t, s, id), "the document")
		}
		require.NoError(t, s.Unlink(t.ctx, id, "first"))
		unknown(t, s, id)
	}},
	{name: "Update of content replaces bytes, size and digest at once, also twice, and readers keep what they opened", body: func(t *T) {
		s := t.open(Options{})
		first := random(3000)
		id := putFor(t, s, first, "first")
		r, err := s.Open(t.ctx, id)
		require.NoError(t, err)
		defer r.Close()
		for _, content := range [][]byte{random(5000), random(5001), nil, random(3000)} {
			staged, d := replacement(t, s, id, content)
			for range 2 {
				require.NoError(t, s.Update(t.ctx, d, staged))
				require.NoError(t, s.Discard(t.ctx, staged))
			}
			s = t.reopen(s, Options{})
			same(t, content, read(t, s, id), "the updated document")
			got, err := s.Describe(t.ctx, id)
			require.NoError(t, err)
			require.Equal(t, d.SHA256, got.SHA256)
			require.Equal(t, d.Size, got.Size)
			require.Equal(t, d.Name, got.Name)
		}
		n, err := r.Read(make([]byte, 10))
		if err == nil { // a store may have removed the bytes of before
			require.Positive(t, n)
		}
		require.NoError(t, s.Unlink(t.ctx, id, "first"))
		unknown(t, s, id)
	}},
	{name: "Update refuses content that is not whole or has another digest, and changes nothing", body: func(t *T) {
		s := t.open(Options{})
		content, other := random(1000), random(1200)
		id := put(t, s, content, 400)
		before, err := s.Describe(t.ctx, id)
		require.NoError(t, err)
		staged, d := replacement(t, s, id, other)
		wrong, short := d, d
		wrong.SHA256[0]++
		short.Size--
		for _, bad := range []proxy.Document{wrong, short} {
			mustRefuse(t, bridge.CodeDigest, s.Update(t.ctx, bad, staged))
		}
		none, err := s.NewContent(id)
		require.NoError(t, err)
		mustRefuse(t, bridge.CodeDigest, s.Update(t.ctx, d, none))
		long := d
		long.Name = string(make([]rune, 257))
		require.Error(t, s.Update(t.ctx, long, ""))
		after, err := s.Describe(t.ctx, id)
		require.NoError(t, err)
		require.Equal(t, before, after)
		same(t, content, read(t, s, id), "the document")
		require.NoError(t, s.Update(t.ctx, d, staged))
		same(t, other, read(t, s, id), "the updated document")
	}},
	{name: "Update and Describe of what is not a document fail and make nothing", body: func(t *T) {
		s := t.open(Options{})
		id, w := fresh(t, s, random(1000))
		write(t, w, random(1000)[:400], 200)
		for _, id := range []string{id, s.NewID(), "../etc", ""} {
			_, err := s.Describe(t.ctx, id)
			mustRefuse(t, bridge.CodeDocument, err, id)
			mustRefuse(t, bridge.CodeDocument, s.Update(t.ctx, proxy.Document{ID: id, Name: "a"}, ""), id)
			if id != "" {
				unknown(t, s, id)
			}
		}
	}},
	{name: "updates at once end with one of them, whole", body: func(t *T) {
		s := t.open(Options{})
		id := put(t, s, random(1000), 400)
		var all sync.WaitGroup
		var last atomic.Int64
		contents := [][]byte{random(2000), random(2001), random(2002), random(2003)}
		for _, content := range contents {
			staged, d := replacement(t, s, id, content)
			all.Go(func() {
				if err := s.Update(t.ctx, d, staged); err != nil {
					t.Errorf("update: %v", err)
				}
				last.Store(d.Size)
			})
			all.Go(func() {
				for range 5 {
					c, err := s.Open(t.ctx, id)
					if err != nil {
						t.Errorf("open: %v", err)
						return
					}
					c.Close()
				}
			})
		}
		all.Wait()
		got, err := s.Describe(t.ctx, id)
		require.NoError(t, err)
		b := read(t, s, id)
		require.EqualValues(t, got.Size, len(b))
		require.Equal(t, got.SHA256, sha256.Sum256(b))
	}},
	{name: "an updated document is kept and swept as a whole", body: func(t *T) {
		var c clock
		s := t.open(Options{Now: c.now})
		content := random(2000)
		kept, gone := put(t, s, random(10), 10), put(t, s, random(11), 11)
		for _, id := range []string{kept, gone} {
			staged, d := replacement(t, s, id, content)
			require.NoError(t, s.Update(t.ctx, d, staged))
		}
		c.days.Store(5)
		require.NoError(t, s.Link(t.ctx, kept, "first"))
		c.days.Store(6)
		_, err := s.Sweep(t.ctx, 3, nil)
		require.NoError(t, err)
		same(t, content, read(t, s, kept), "a linked document")
		unknown(t, s, gone)
		require.NoError(t, s.Remove(t.ctx, kept))
		unknown(t, s, kept)
	}},
	{name: "what one process updates, every process reads", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		other := t.beside(s, Options{})
		id := put(t, s, random(1000), 400)
		content := random(2000)
		staged, d := replacement(t, other, id, content)
		require.NoError(t, other.Update(t.ctx, d, staged))
		for _, s := range []Store{s, other} {
			same(t, content, read(t, s, id), "the document")
		}
	}},
}

// replacement stages content for an update of a document.
func replacement(t *T, s Store, id string, content []byte) (staged string, d proxy.Document) {
	t.Helper()
	staged, err := s.NewContent(id)
	require.NoError(t, err)
	write(t, begin(t, s, staged, content, 0), content, 700)
	d = document(id, content)
	d.Name = "Neu.pdf"
	return staged, d
}

var updateFaults = []fault{
	{name: "Update drops the links", held: "Update of attributes leaves", make: func(b *broken) {
		b.update = func(ctx context.Context, d proxy.Document, staged string) error {
			b.Store.Link(ctx, d.ID, "another")
			return b.Store.Update(ctx, d, staged)
		}
	}},
	{name: "Update changes nothing", held: "Update of content replaces", make: updateNothing},
	{name: "Update takes any content", held: "Update refuses content", make: func(b *broken) {
		b.update = func(ctx context.Context, d proxy.Document, staged string) error {
			if staged != "" {
				one := proxy.Document{ID: staged, Name: d.Name}
				believing(b, &one)
				d.Size, d.SHA256 = one.Size, one.SHA256
			}
			return b.Store.Update(ctx, d, staged)
		}
	}},
	{name: "an unknown document can be updated", held: "Update and Describe of what is not", make: updateNothing},
	{name: "updates at once refuse each other", held: "updates at once end with one", make: func(b *broken) {
		var busy atomic.Int64
		b.update = func(ctx context.Context, d proxy.Document, staged string) error {
			if busy.Add(1) > 1 {
				return bridge.NewError(bridge.CodeSuperseded, "")
			}
			return b.Store.Update(ctx, d, staged)
		}
	}},
	{name: "a sweep takes the new bytes", held: "an updated document is kept", make: func(b *broken) {
		b.update = func(ctx context.Context, d proxy.Document, staged string) error { return b.Store.Update(ctx, d, "") }
	}},
	{name: "a process reads its own updates only", held: "what one process updates", make: updateNothing},
}

func updateNothing(b *broken) {
	b.update = func(context.Context, proxy.Document, string) error { return nil }
}
