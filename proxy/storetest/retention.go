package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// clock is a day that a case can advance.
type clock struct{ days atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 11, 20, 23, 59, 59, 0, time.UTC).AddDate(0, 0, int(c.days.Load()))
}

var retentionCases = []storeCase{
	{name: "Sweep deletes the days that are more than days back, documents and uploads, and no other", body: func(t *T) {
		var c clock
		o := Options{Now: c.now}
		s := t.open(o)
		content := random(10)
		old, upload := put(t, s, content, 10), stage(t, s, content, 10)
		c.days.Store(3)
		recent, recentUpload := put(t, s, content, 10), stagePart(t, s, content, 4, 4)

		swept, err := s.Sweep(t.ctx, 3, nil)
		require.NoError(t, err)
		require.Empty(t, swept)
		same(t, content, read(t, s, old), "a document of three days ago")
		same(t, content, staged(t, s, upload), "an upload of three days ago")
		c.days.Store(4)
		swept, err = s.Sweep(t.ctx, 3, nil)
		require.NoError(t, err)
		require.Len(t, swept, 1)
		for _, restart := range []bool{false, true} {
			if restart {
				s = t.reopen(s, o)
			}
			unknown(t, s, old)
			for _, id := range []string{old, upload} {
				nothingStaged(t, s, id)
				require.NoError(t, s.Discard(t.ctx, id))
				require.NoError(t, s.Remove(t.ctx, id))
			}
			_, err := s.Add(t.ctx, document(upload, content))
			mustRefuse(t, bridge.CodeDigest, err, "Add of a swept upload")
			same(t, content, read(t, s, recent), "a recent document")
			same(t, content[:4], staged(t, s, recentUpload), "a recent upload")
			swept, err = s.Sweep(t.ctx, 3, nil)
			require.NoError(t, err)
			if restart { // the refused Add may have made the day again
				require.LessOrEqual(t, len(swept), 1)
			}
		}
		w := begin(t, s, recentUpload, content, -1)
		write(t, w, content[4:], 10)
		add(t, s, recentUpload, content)
	}},
	{name: "Sweep keeps what is linked, and asks for that once, and only if a day is due", body: func(t *T) {
		var c clock
		o := Options{Now: c.now}
		s := t.open(o)
		content := random(1000)
		document, other := put(t, s, content, 400), put(t, s, content, 1000)
		upload, half := fresh(t, s, content)
		write(t, half, content[:600], 300)
		c.days.Store(1)
		next := put(t, s, content, 500)
		asked := 0
		ids := map[string]bool{document: true, upload: true, "a document of another store": true}
		linked := func(context.Context) (map[string]bool, error) { asked++; return ids, nil }
		swept, err := s.Sweep(t.ctx, 1, linked)
		require.NoError(t, err)
		require.Empty(t, swept)
		require.Zero(t, asked, "no day was due")

		c.days.Store(9)
		_, err = s.Sweep(t.ctx, 3, func(context.Context) (map[string]bool, error) { return nil, errors.New("no records") })
		require.Error(t, err)
		same(t, content, read(t, s, other), "a document that may be linked")

		for _, restart := range []bool{false, true} {
			if restart {
				s = t.reopen(s, o)
			}
			asked = 0
			_, err = s.Sweep(t.ctx, 3, linked)
			require.NoError(t, err)
			require.Equal(t, 1, asked)
			unknown(t, s, next)
			same(t, content, read(t, s, document), "a linked document")
			same(t, content[:600], staged(t, s, upload), "a linked upload")
		}
		w := begin(t, s, upload, content, -1)
		wholeAt(t, w, content, 600)
		write(t, w, content[600:], 400)
		add(t, s, upload, content)
		same(t, content, read(t, s, upload), "the document of the linked upload")

		clear(ids)
		swept, err = s.Sweep(t.ctx, 3, linked)
		require.NoError(t, err)
		require.Len(t, swept, 1)
		for _, id := range []string{document, upload, other} {
			unknown(t, s, id)
		}
	}},
	{name: "Sweep refuses fewer days than one, because a day's content may still be written", body: func(t *T) {
		s := t.open(Options{})
		id := put(t, s, random(10), 10)
		for _, days := range []int{0, -1} {
			_, err := s.Sweep(t.ctx, days, nil)
			require.Error(t, err)
		}
		require.Len(t, read(t, s, id), 10)
	}},
	{name: "an upload that spans midnight is whole", body: func(t *T) {
		var c clock
		s := t.open(Options{Now: c.now})
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content[:600], 300)
		c.days.Store(1)
		_, err := s.Sweep(t.ctx, 1, nil)
		require.NoError(t, err)
		write(t, w, content[600:], 300)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the document of yesterday's id")
		same(t, content, read(t, s, put(t, s, content, 400)), "a document of today")
	}},
	{name: "an id of a swept day can be begun again", body: func(t *T) {
		var c clock
		s := t.open(Options{Now: c.now})
		content := random(10)
		id := stage(t, s, content, 10)
		c.days.Store(9)
		_, err := s.Sweep(t.ctx, 3, nil)
		require.NoError(t, err)
		w := begin(t, s, id, content, -1)
		wholeAt(t, w, content, 0)
		write(t, w, content, 10)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the document")
	}},
	{name: "an id of a day that another process swept can be begun again, and the day is gone for every process", cluster: true, body: func(t *T) {
		var c clock
		s := t.open(Options{Now: c.now})
		other := t.beside(s, Options{Now: c.now})
		content := random(10)
		id, document := stage(t, s, content, 10), put(t, s, content, 10)
		c.days.Store(9)
		_, err := other.Sweep(t.ctx, 3, nil)
		require.NoError(t, err)
		unknown(t, s, document)
		unknown(t, other, document)
		w := begin(t, s, id, content, -1)
		wholeAt(t, w, content, 0)
		write(t, w, content, 10)
	}},
	{name: "a reader of a swept document returns its bytes or fails", body: func(t *T) {
		var c clock
		s := t.open(Options{Now: c.now})
		content := random(100_000)
		r, err := s.Open(t.ctx, put(t, s, content, 30_000))
		require.NoError(t, err)
		defer r.Close()
		c.days.Store(9)
		_, err = s.Sweep(t.ctx, 3, nil)
		require.NoError(t, err)
		got := make([]byte, len(content))
		n := 0
		for err == nil && n < len(got) {
			var m int
			m, err = r.Read(got[n:])
			n += m
		}
		same(t, content[:n], got[:n], "the bytes that came")
	}},
}
