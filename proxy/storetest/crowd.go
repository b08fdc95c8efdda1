package storetest

import (
	"context"
	"crypto/sha256"
	"io"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"attache/proxy"
)

var crowdCases = []storeCase{
	{name: "many writers at once write whole content, and the open files stay bounded", body: func(t *T) {
		s := t.open(Options{})
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() { upload(t, s, random(5_000+i), 1500) })
		}
		all.Wait()
		filesBounded(t, s)
	}},
	{name: "hundreds of idle writers do not keep others from writing, and each can continue", body: func(t *T) {
		s := t.open(Options{})
		const many = 200
		content := random(2000)
		ids, writers := make([]string, many), make([]proxy.Writer, many)
		f := newFlight(t)
		for i := range many {
			ids[i], writers[i] = fresh(t, s, content)
			require.NoError(t, f.append(writers[i], content[:1000]))
			if i%100 == 0 {
				filesBounded(t, s)
			}
		}
		for _, r := range f.land() {
			require.NoError(t, r.err)
		}
		filesBounded(t, s)
		same(t, content, read(t, s, put(t, s, content, 700)), "the document of another upload")
		for _, w := range writers {
			require.NoError(t, f.append(w, content[1000:]))
		}
		for _, r := range f.land() {
			require.NoError(t, r.err)
		}
		var all sync.WaitGroup
		for part := range 8 {
			all.Go(func() {
				for i := part; i < many; i += 8 {
					if i%2 == 0 {
						require.NoError(t, writers[i].Close())
					}
					add(t, s, ids[i], content)
					same(t, content, read(t, s, ids[i]), "the content")
				}
			})
		}
		all.Wait()
		filesBounded(t, s)
	}},
	{name: "more writers than files may be open wait for each other; ctx ends the wait, and then nothing was appended", body: func(t *T) {
		s := t.open(Options{})
		if s.OpenFiles == nil {
			return // the store opens no files
		}
		_, most := s.OpenFiles()
		f := newFlight(t)
		releases := make([]func(), most)
		for i := range most {
			_, w := fresh(t, s, random(20))
			releases[i] = f.block(w, random(10))
			defer releases[i]()
		}
		content := random(2000)
		id, w := fresh(t, s, content)
		ended, cancel := context.WithCancel(t.ctx)
		cancel()
		require.ErrorIs(t, w.Append(ended, content, f.landed), context.Canceled)
		wholeAt(t, w, content, 0)
		filesBounded(t, s)
		releases[0]()
		write(t, w, content, 2000)
		add(t, s, id, content)
	}},
	{name: "many readers at once, beside writers, read whole content", body: func(t *T) {
		s := t.open(Options{})
		content := random(100_000)
		id := put(t, s, content, 30_000)
		partly, w := fresh(t, s, content)
		write(t, w, content[:50_000], 30_000)
		var writing, all sync.WaitGroup
		var done atomic.Bool
		writing.Go(func() {
			for !done.Load() && !t.Failed() && t.ctx.Err() == nil {
				upload(t, s, content[:20_000], 4000)
			}
		})
		for i := range 50 {
			all.Go(func() {
				for range 3 {
					if i%2 == 0 {
						readWhole(t, content, func() (io.ReadCloser, error) { return s.Open(t.ctx, id) })
					} else {
						readWhole(t, content[:50_000], func() (io.ReadCloser, error) { return s.Staged(t.ctx, partly) })
					}
				}
			})
		}
		all.Wait()
		done.Store(true)
		writing.Wait()
		filesBounded(t, s)
	}},
}

// upload stores content as a document, in any goroutine.
func upload(t *T, s Store, content []byte, size int) {
	id := s.NewID()
	w, err := s.Begin(t.ctx, offer(id, content), 0)
	if err != nil {
		t.Errorf("begin: %v", err)
		return
	}
	defer w.Close()
	var under sync.WaitGroup
	for rest := content; len(rest) > 0; {
		n := min(size, len(rest))
		under.Add(1)
		if err := w.Append(t.ctx, rest[:n], func(int64, error) { under.Done() }); err != nil {
			under.Done()
			t.Errorf("append: %v", err)
			break
		}
		rest = rest[n:]
	}
	under.Wait()
	if _, err := s.Add(t.ctx, document(id, content)); err != nil {
		t.Errorf("add: %v", err)
		return
	}
	readWhole(t, content, func() (io.ReadCloser, error) { return s.Open(t.ctx, id) })
}

// readWhole compares content with what open opens, in any goroutine.
func readWhole(t *T, content []byte, open func() (io.ReadCloser, error)) {
	r, err := open()
	if err != nil {
		t.Errorf("open: %v", err)
		return
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(content) {
		t.Errorf("read %d bytes that are not the %d of the content, %v", len(got), len(content), err)
	}
}

func filesBounded(t *T, p Process) {
	t.Helper()
	if p.OpenFiles == nil {
		return
	}
	open, most := p.OpenFiles()
	require.LessOrEqual(t, open, most, "open files")
}
