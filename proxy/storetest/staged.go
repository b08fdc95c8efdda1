package storetest

import (
	"io"

	"github.com/stretchr/testify/require"
)

var stagedCases = []storeCase{
	{name: "Staged opens the durable content, and can seek in it", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		require.Empty(t, staged(t, s, id), "before the first byte")
		write(t, w, content[:600], 250)
		same(t, content[:600], staged(t, s, id), "the staged content")
		r, err := s.Staged(t.ctx, id)
		require.NoError(t, err)
		defer r.Close()
		size, err := r.Seek(0, io.SeekEnd)
		require.NoError(t, err)
		require.EqualValues(t, 600, size)
		_, err = r.Seek(250, io.SeekStart)
		require.NoError(t, err)
		same(t, content[250:600], drain(t, r), "the staged content from a seek on")
	}},
	{name: "Staged content is a part of what was appended, and has all that was reported durable", body: func(t *T) {
		s := t.open(Options{})
		content := random(60 * 1000)
		id, w := fresh(t, s, content)
		f := newFlight(t)
		for at := 0; at < len(content); at += 1000 {
			require.NoError(t, f.append(w, content[at:at+1000]))
			if at%6000 == 0 {
				stored := w.Stored()
				got := staged(t, s, id)
				require.GreaterOrEqual(t, int64(len(got)), stored)
				require.LessOrEqual(t, int64(len(got)), w.Offset())
				same(t, content[:len(got)], got, "the staged content")
			}
		}
		f.land()
		same(t, content, staged(t, s, id), "all of the staged content")
	}},
	{name: "Staged content that is open does not change", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content[:600], 300)
		r, err := s.Staged(t.ctx, id)
		require.NoError(t, err)
		defer r.Close()
		_, err = io.ReadFull(r, make([]byte, 100))
		require.NoError(t, err)
		write(t, w, content[600:], 200)
		add(t, s, id, content)
		same(t, content[100:600], drain(t, r), "the rest of it")
	}},
	{name: "Staged content can still be read after it has become a document, because a delivery may be repeated", body: func(t *T) {
		s := t.open(Options{})
		for _, content := range [][]byte{random(1000), nil} {
			id := put(t, s, content, 400)
			same(t, content, staged(t, s, id), "the staged content")
			s = t.reopen(s, Options{})
			same(t, content, staged(t, s, id), "the staged content after a restart")
		}
	}},
	{name: "another process opens what one has staged", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		other := t.beside(s, Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content[:600], 300)
		same(t, content[:600], staged(t, other, id), "a part")
		write(t, w, content[600:], 300)
		same(t, content, staged(t, other, id), "all")
	}},
}
