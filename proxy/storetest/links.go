package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

var linkCases = []storeCase{
	{name: "the removal of its last link removes a document, and of another link does not", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		kept, id := put(t, s, content, 400), putFor(t, s, content, "first")
		require.NoError(t, s.Link(t.ctx, id, "second"))
		require.NoError(t, s.Link(t.ctx, id, proxy.ResponseLink("greeting")))
		for _, to := range []string{"first", "second"} {
			s = t.reopen(s, Options{})
			require.NoError(t, s.Unlink(t.ctx, id, to))
			require.NoError(t, s.Unlink(t.ctx, id, to), "repeated")
			same(t, content, read(t, s, id), "a document with another link")
		}
		for range 2 {
			require.NoError(t, s.Unlink(t.ctx, id, proxy.ResponseLink("greeting")))
			unknown(t, s, id)
			nothingStaged(t, s, id)
		}
		same(t, content, read(t, s, kept), "the other document")
		require.NoError(t, s.Unlink(t.ctx, s.NewID(), "first"), "an unknown document")
	}},
	{name: "the link that a document is made with is its only one", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		for _, restart := range []bool{false, true} {
			id := putFor(t, s, content, "first")
			if restart {
				s = t.reopen(s, Options{})
			}
			require.NoError(t, s.Unlink(t.ctx, id, "second"), "another session's")
			same(t, content, read(t, s, id), "a document whose link was not removed")
			require.NoError(t, s.Unlink(t.ctx, id, "first"))
			unknown(t, s, id)
		}
	}},
	{name: "a document may be made without a link, and stays until a link of it is removed", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := put(t, s, content, 400)
		require.NoError(t, s.Unlink(t.ctx, id, "first"))
		same(t, content, read(t, s, id), "a document without links")
		require.NoError(t, s.Link(t.ctx, id, "first"))
		require.NoError(t, s.Unlink(t.ctx, id, "first"))
		unknown(t, s, id)
	}},
	{name: "Remove removes a document with all its links, and an id that is used again has none of them", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := putFor(t, s, content, "first")
		require.NoError(t, s.Link(t.ctx, id, "second"))
		require.NoError(t, s.Remove(t.ctx, id))
		unknown(t, s, id)
		mustRefuse(t, bridge.CodeDocument, s.Link(t.ctx, id, "third"), "Link")
		w := begin(t, s, id, content, 0)
		write(t, w, content, 400)
		add(t, s, id, content)
		require.NoError(t, s.Link(t.ctx, id, "third"))
		require.NoError(t, s.Unlink(t.ctx, id, "third"))
		unknown(t, s, id)
	}},
	{name: "Link fails for what is not a document and for what is not a session, and makes nothing", body: func(t *T) {
		s := t.open(Options{})
		mustRefuse(t, bridge.CodeDocument, s.Link(t.ctx, s.NewID(), "first"), "an unknown document")
		mustRefuse(t, bridge.CodeDocument, s.Link(t.ctx, "../etc", "first"), "what is not an id")
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content[:600], 300)
		mustRefuse(t, bridge.CodeDocument, s.Link(t.ctx, id, "first"), "an upload")
		require.NoError(t, s.Unlink(t.ctx, id, "first"))
		write(t, w, content[600:], 300)
		add(t, s, id, content)
		for _, to := range []string{"", "a/b", "..", "a.b", proxy.EarlierSession, proxy.ResponseLink(""), proxy.ResponseLink("a/b")} {
			mustRefuse(t, bridge.CodeSessionInvalid, s.Link(t.ctx, id, to), fmt.Sprintf("%q", to))
		}
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "adding a document again changes no link", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := putFor(t, s, content, "first")
		require.NoError(t, s.Link(t.ctx, id, "second"))
		d := document(id, content)
		d.Session, d.Description = "first", "another one"
		_, err := s.Add(t.ctx, d)
		require.NoError(t, err)
		require.NoError(t, s.Unlink(t.ctx, id, "first"))
		same(t, content, read(t, s, id), "a document with another link")
		require.NoError(t, s.Unlink(t.ctx, id, "second"))
		unknown(t, s, id)
	}},
	{name: "links that are added and removed at once are all added and removed", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := putFor(t, s, content, "first")
		var all sync.WaitGroup
		each := func(do func(to string) error) {
			for i := range 8 {
				all.Go(func() {
					if err := do(fmt.Sprint("session", i)); err != nil {
						t.Errorf("change a link: %v", err)
					}
				})
			}
			all.Wait()
		}
		each(func(to string) error { return s.Link(t.ctx, id, to) })
		require.NoError(t, s.Unlink(t.ctx, id, "first"))
		same(t, content, read(t, s, id), "a document with eight links")
		each(func(to string) error { return s.Unlink(t.ctx, id, to) })
		unknown(t, s, id)
	}},
	{name: "of a link that is added and the last one that is removed at once, one comes entirely before the other", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		for range 20 {
			id := putFor(t, s, content, "first")
			var both sync.WaitGroup
			var added, removed error
			both.Go(func() { added = s.Link(t.ctx, id, "second") })
			both.Go(func() { removed = s.Unlink(t.ctx, id, "first") })
			both.Wait()
			require.NoError(t, removed)
			if added == nil {
				same(t, content, read(t, s, id), "a document with another link")
				continue
			}
			mustRefuse(t, bridge.CodeDocument, added)
			unknown(t, s, id)
		}
	}},
	{name: "Sweep keeps an old document as long as a link of it is young, or it is in the library", body: func(t *T) {
		var c clock
		o := Options{Now: c.now}
		s := t.open(o)
		content := random(1000)
		linked, response, both, other := put(t, s, content, 400), put(t, s, content, 400), put(t, s, content, 400), put(t, s, content, 400)
		require.NoError(t, s.Link(t.ctx, response, proxy.ResponseLink("greeting")))
		require.NoError(t, s.Link(t.ctx, both, "first"))
		c.days.Store(5)
		require.NoError(t, s.Link(t.ctx, linked, "later"))
		require.NoError(t, s.Link(t.ctx, both, "first"), "a link that is made again is as young as that")
		c.days.Store(8)
		for _, restart := range []bool{false, true} {
			if restart {
				s = t.reopen(s, o)
			}
			swept, err := s.Sweep(t.ctx, 3, nil)
			require.NoError(t, err)
			require.Empty(t, swept)
			for _, id := range []string{linked, response, both} {
				same(t, content, read(t, s, id), "a document that is linked")
			}
			unknown(t, s, other)
		}
		c.days.Store(9)
		asked := 0
		_, err := s.Sweep(t.ctx, 3, func(context.Context) (map[string]bool, error) { asked++; return nil, nil })
		require.NoError(t, err)
		require.Equal(t, 1, asked)
		unknown(t, s, linked)
		unknown(t, s, both)
		same(t, content, read(t, s, response), "a document of the library")
		require.NoError(t, s.Unlink(t.ctx, response, proxy.ResponseLink("greeting")))
		swept, err := s.Sweep(t.ctx, 3, nil)
		require.NoError(t, err)
		require.Len(t, swept, 1)
	}},
	{name: "a document that Link has linked while its day is swept stays", body: func(t *T) {
		var c clock
		s := t.open(Options{Now: c.now})
		content := random(100)
		for day := range int64(6) {
			c.days.Store(day * 10)
			id := put(t, s, content, 100)
			c.days.Store(day*10 + 9)
			var both sync.WaitGroup
			var linked, swept error
			both.Go(func() { linked = s.Link(t.ctx, id, "second") })
			both.Go(func() { _, swept = s.Sweep(t.ctx, 3, nil) })
			both.Wait()
			require.NoError(t, swept)
			if linked == nil {
				same(t, content, read(t, s, id), "the document")
			}
		}
	}},
	{name: "what one process links, every process keeps, and the last link may be removed by any", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		other := t.beside(s, Options{})
		content := random(1000)
		id := putFor(t, s, content, "first")
		require.NoError(t, other.Link(t.ctx, id, "second"))
		require.NoError(t, s.Unlink(t.ctx, id, "first"))
		same(t, content, read(t, s, id), "the document")
		require.NoError(t, other.Unlink(t.ctx, id, "second"))
		unknown(t, s, id)
		mustRefuse(t, bridge.CodeDocument, s.Link(t.ctx, id, "third"), "Link")
	}},
}

// putFor makes a document for a session.
func putFor(t *T, s Store, content []byte, session string) string {
	t.Helper()
	id := s.NewID()
	d := offer(id, content)
	d.Session = session
	w, err := s.Begin(t.ctx, d, 0)
	require.NoError(t, err)
	write(t, w, content, 400)
	d.SHA256 = w.Sum()
	got, err := s.Add(t.ctx, d)
	require.NoError(t, err)
	require.Equal(t, id, got)
	return id
}
