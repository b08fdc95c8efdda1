package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

var readCases = []storeCase{
	{name: "Content reads like its bytes in memory, for any seeks and reads", body: func(t *T) {
		s := t.open(Options{})
		rng := rand.New(rand.NewPCG(11, 28))
		for range 20 {
			content := random(rng.IntN(5000))
			id := put(t, s, content, 1+rng.IntN(700))
			c, err := s.Open(t.ctx, id)
			require.NoError(t, err)
			likeMemory(t, rng, content, c)
			require.NoError(t, c.Close())
			c2, err := s.Staged(t.ctx, id)
			require.NoError(t, err)
			likeMemory(t, rng, content, c2)
			require.NoError(t, c2.Close())
		}
	}},
	{name: "Content answers Range requests", body: func(t *T) {
		s := t.open(Options{})
		content := random(200_000)
		id := put(t, s, content, 30_000)
		for asked, test := range map[string]struct{ from, to, status int }{
			"":                  {0, 200_000, http.StatusOK},
			"bytes=0-9":         {0, 10, http.StatusPartialContent},
			"bytes=29990-30009": {29_990, 30_010, http.StatusPartialContent},
			"bytes=100000-":     {100_000, 200_000, http.StatusPartialContent},
			"bytes=-5":          {199_995, 200_000, http.StatusPartialContent},
		} {
			c, err := s.Open(t.ctx, id)
			require.NoError(t, err)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if asked != "" {
				r.Header.Set("Range", asked)
			}
			w := httptest.NewRecorder()
			http.ServeContent(w, r, "", time.Time{}, c)
			require.NoError(t, c.Close())
			require.Equal(t, test.status, w.Code, asked)
			same(t, content[test.from:test.to], w.Body.Bytes(), asked)
		}
	}},
	{name: "a seek before the start, or from nowhere, is an error and moves nothing", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		c, err := s.Open(t.ctx, put(t, s, content, 400))
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Seek(300, io.SeekStart)
		require.NoError(t, err)
		for _, seek := range []struct {
			offset int64
			whence int
		}{{-1, io.SeekStart}, {-301, io.SeekCurrent}, {-1001, io.SeekEnd}, {0, 3}, {0, -1}} {
			_, err := c.Seek(seek.offset, seek.whence)
			require.Error(t, err, "%+v", seek)
		}
		same(t, content[300:], drain(t, c), "the rest")
	}},
	{name: "the end of content is io.EOF, again and again, and a seek past it is no error", body: func(t *T) {
		s := t.open(Options{})
		for _, content := range [][]byte{random(1000), nil} {
			c, err := s.Open(t.ctx, put(t, s, content, 400))
			require.NoError(t, err)
			same(t, content, drain(t, c), "the content")
			for _, offset := range []int64{0, 1, 1 << 40} {
				_, err := c.Seek(offset, io.SeekEnd)
				require.NoError(t, err)
				for range 2 {
					n, err := c.Read(make([]byte, 10))
					require.Zero(t, n)
					require.ErrorIs(t, err, io.EOF)
				}
			}
			n, err := c.Read(nil)
			require.Zero(t, n)
			if !errors.Is(err, io.EOF) {
				require.NoError(t, err)
			}
			require.NoError(t, c.Close())
		}
	}},
	{name: "Piece returns the next bytes, at most max of them, and io.EOF at the end", body: func(t *T) {
		s := t.open(Options{})
		content := random(200_000)
		c, err := s.Open(t.ctx, put(t, s, content, 30_000))
		require.NoError(t, err)
		defer c.Close()
		p, ok := c.(proxy.Pieces)
		if !ok {
			return // its bytes are not in memory
		}
		var got []byte
		for i := 0; ; i++ {
			most := int64(1 + i*i*1000)
			piece, err := p.Piece(most)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.NotEmpty(t, piece)
			require.LessOrEqual(t, int64(len(piece)), most)
			got = append(got, piece...)
		}
		same(t, content, got, "the pieces")
		_, err = c.Seek(29_999, io.SeekStart)
		require.NoError(t, err)
		piece, err := p.Piece(10)
		require.NoError(t, err)
		n, err := io.ReadFull(c, make([]byte, 10))
		require.NoError(t, err)
		require.Equal(t, 10, n)
		at, err := c.Seek(0, io.SeekCurrent)
		require.NoError(t, err)
		require.EqualValues(t, 29_999+len(piece)+10, at, "reads and pieces share a position")
		require.Equal(t, content[29_999:29_999+len(piece)], piece)
	}},
	{name: "a reader ends with Close, not with the ctx of Open", body: func(t *T) {
		s := t.open(Options{})
		content := random(100_000)
		id := put(t, s, content, 30_000)
		ctx, cancel := context.WithCancel(t.ctx)
		c, err := s.Open(ctx, id)
		require.NoError(t, err)
		r, err := s.Staged(ctx, id)
		require.NoError(t, err)
		cancel()
		same(t, content, drain(t, c), "the document")
		same(t, content, drain(t, r), "the staged content")
		for _, c := range []io.ReadSeekCloser{c, r} {
			_, err = c.Seek(0, io.SeekStart)
			require.NoError(t, err)
			require.NoError(t, c.Close())
			_ = c.Close() // a second time does no harm
			_, err = c.Read(make([]byte, 1))
			require.Error(t, err, "after Close")
			require.NotErrorIs(t, err, io.EOF, "after Close")
		}
	}},
	{name: "readers of one document have positions of their own", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id := put(t, s, content, 400)
		a, err := s.Open(t.ctx, id)
		require.NoError(t, err)
		defer a.Close()
		_, err = io.ReadFull(a, make([]byte, 700))
		require.NoError(t, err)
		b, err := s.Open(t.ctx, id)
		require.NoError(t, err)
		defer b.Close()
		same(t, content, drain(t, b), "the second reader")
		same(t, content[700:], drain(t, a), "the first reader")
	}},
	{name: "a reader of a document that is removed returns its bytes, or fails with document-unknown", body: func(t *T) {
		s := t.open(Options{})
		content := random(200_000)
		id := put(t, s, content, 30_000)
		c, err := s.Open(t.ctx, id)
		require.NoError(t, err)
		defer c.Close()
		_, err = io.ReadFull(c, make([]byte, 10))
		require.NoError(t, err)
		require.NoError(t, s.Remove(t.ctx, id))
		rest, err := io.ReadAll(c)
		if err != nil {
			mustRefuse(t, bridge.CodeDocument, err)
		} else {
			require.Len(t, rest, len(content)-10)
		}
		same(t, content[10:10+len(rest)], rest, "the rest")
	}},
}

// likeMemory compares c with its bytes in memory.
func likeMemory(t *T, rng *rand.Rand, content []byte, c io.ReadSeeker) {
	t.Helper()
	want := bytes.NewReader(content)
	for range 20 {
		if rng.IntN(2) == 0 {
			offset, whence := rng.Int64N(9000)-4500, []int{io.SeekStart, io.SeekCurrent, io.SeekEnd}[rng.IntN(3)]
			a, errA := want.Seek(offset, whence)
			b, errB := c.Seek(offset, whence)
			require.Equal(t, errA == nil, errB == nil, "the error of a seek by %d from %d", offset, whence)
			require.Equal(t, a, b, "a seek by %d from %d", offset, whence)
			continue
		}
		n := rng.IntN(1500)
		a, b := make([]byte, n), make([]byte, n)
		nA, errA := io.ReadFull(want, a)
		nB, errB := io.ReadFull(c, b)
		require.Equal(t, errA, errB)
		require.Equal(t, nA, nB)
		require.Equal(t, a, b)
	}
}
