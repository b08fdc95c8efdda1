package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"attache/proxy"
)

var appendCases = []storeCase{
	{name: "Append takes 1 to MaxChunk bytes and refuses others without harm", body: func(t *T) {
		s := t.open(Options{})
		_, w := fresh(t, s, nil)
		n := w.MaxChunk()
		require.GreaterOrEqual(t, n, 64<<10, "a frame of an upload has at least 64 KiB")
		content := random(n + 1)
		id, w := fresh(t, s, content)
		for _, size := range []int{0, n + 1} {
			require.Error(t, w.Append(t.ctx, content[:size], func(int64, error) {}), "%d bytes", size)
			wholeAt(t, w, content, 0)
		}
		write(t, w, content[:n], n)
		for _, size := range []int{0, n + 1} {
			require.Error(t, w.Append(t.ctx, content[:size], func(int64, error) {}), "%d bytes", size)
			wholeAt(t, w, content, int64(n))
		}
		write(t, w, content[n:], 1)
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the content")
	}},
	{name: "Offset and Sum count everything appended at once, and Stored only what is durable", body: func(t *T) {
		s := t.open(Options{})
		content := random(50 * 1000)
		_, w := fresh(t, s, content)
		f := newFlight(t)
		for at := 0; at < len(content); at += 1000 {
			require.NoError(t, f.append(w, content[at:at+1000]))
			require.EqualValues(t, at+1000, w.Offset())
			require.Equal(t, sha256.Sum256(content[:at+1000]), w.Sum())
			require.LessOrEqual(t, w.Stored(), w.Offset())
		}
		f.land()
		wholeAt(t, w, content, int64(len(content)))
	}},
	{name: "onDurable is called in order, once for each piece, with the new value of Stored", body: func(t *T) {
		s := t.open(Options{})
		_, w := fresh(t, s, random(50*51/2))
		type report struct{ n, stored int64 }
		reports := make(chan report, 100)
		var want []int64
		var end int64
		for i := range 50 {
			require.NoError(t, w.Append(t.ctx, random(1+i), func(n int64, err error) {
				if err != nil {
					t.Errorf("a piece is not durable: %v", err)
				}
				reports <- report{n, w.Stored()} // a callback may call the writer
			}))
			end += int64(1 + i)
			want = append(want, end)
		}
		for _, n := range want {
			select {
			case r := <-reports:
				require.Equal(t, n, r.n, "the durable bytes")
				require.GreaterOrEqual(t, r.stored, n, "Stored is older than what was reported")
			case <-t.ctx.Done():
				require.Fail(t, "onDurable was not called for every piece")
			}
		}
		require.Equal(t, end, w.Stored())
		require.Empty(t, reports)
	}},
	{name: "onDurable is called from another goroutine", body: func(t *T) {
		s := t.open(Options{})
		_, w := fresh(t, s, random(20*10))
		here := goroutine()
		f := newFlight(t)
		var own atomic.Int64
		for range 20 {
			f.pieces++
			require.NoError(t, w.Append(t.ctx, random(10), func(n int64, err error) {
				if goroutine() == here {
					own.Add(1)
				}
				f.results <- result{n, err}
			}))
		}
		f.land()
		require.Zero(t, own.Load(), "calls from the goroutine that appends")
	}},
	{name: "a piece that was reported durable is in the content, whatever follows", body: func(t *T) {
		s := t.open(Options{})
		content := random(60 * 1000)
		id, w := fresh(t, s, content)
		f := newFlight(t)
		for rest := content; len(rest) > 0; rest = rest[1000:] {
			require.NoError(t, f.append(w, rest[:1000]))
		}
		first := <-f.results
		f.pieces--
		require.NoError(t, first.err)
		got := staged(t, s, id)
		require.GreaterOrEqual(t, int64(len(got)), first.n)
		same(t, content[:len(got)], got, "the staged content")
		f.land()
	}},
	{name: "Append retains no part of the piece after it returns", body: func(t *T) {
		s := t.open(Options{})
		_, w := fresh(t, s, nil)
		content, piece := random(8*w.MaxChunk()), make([]byte, w.MaxChunk())
		id, w := fresh(t, s, content)
		f := newFlight(t)
		for rest := content; len(rest) > 0; rest = rest[len(piece):] {
			copy(piece, rest)
			require.NoError(t, f.append(w, piece))
			clear(piece)
		}
		for _, r := range f.land() {
			require.NoError(t, r.err)
		}
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the content")
	}},
	{name: "an Append whose ctx has ended appends the whole piece or none of it", body: func(t *T) {
		s := t.open(Options{})
		all := random(50 * 500)
		id, w := fresh(t, s, all)
		ended, cancel := context.WithCancel(t.ctx)
		cancel()
		f := newFlight(t)
		var content []byte
		for i := range 50 {
			piece, ctx := all[500*i:500*(i+1)], t.ctx
			if i%2 == 0 {
				ctx = ended
			}
			err := w.Append(ctx, piece, f.landed)
			if err == nil {
				f.pieces++
				content = append(content, piece...)
			} else {
				require.ErrorIs(t, err, context.Canceled)
			}
			require.EqualValues(t, len(content), w.Offset())
			require.Equal(t, sha256.Sum256(content), w.Sum())
		}
		for _, r := range f.land() {
			require.NoError(t, r.err)
		}
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the content")
	}},
	{name: "what is appended and not durable is bounded; ctx ends the wait, and then nothing was appended", body: func(t *T) {
		s := t.open(Options{Budget: 4 << 20})
		content := random(12 << 20)
		id, w := fresh(t, s, content)
		f := newFlight(t)
		release := f.block(w, content[:10])
		defer release()
		ended, cancel := context.WithCancel(t.ctx)
		cancel()
		var err error
		var at int64
		for appends := 0; err == nil; appends++ {
			at = w.Offset()
			require.Less(t, appends, len(content)/w.MaxChunk(), "nothing bounds what is not durable")
			piece := content[at:min(int64(len(content)), at+int64(w.MaxChunk()))]
			if err = w.Append(ended, piece, f.landed); err == nil {
				f.pieces++
			}
		}
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, at, w.Offset())
		require.Equal(t, sha256.Sum256(content[:at]), w.Sum())
		release()
		for _, r := range f.land() {
			require.NoError(t, r.err)
		}
		write(t, w, content[at:at+1000], 1000)
		same(t, content[:at+1000], staged(t, s, id), "the staged content")
	}},
	{name: "an Append that waits ends when its right is taken, given up or discarded", body: func(t *T) {
		s := t.open(Options{Budget: 4 << 20})
		content := random(12 << 20)
		for name, end := range map[string]func(id string, w proxy.Writer) error{
			"taken": func(id string, _ proxy.Writer) error {
				_, err := s.Begin(t.ctx, offer(id, content), -1)
				return err
			},
			"given up":  func(_ string, w proxy.Writer) error { return w.Close() },
			"discarded": func(id string, _ proxy.Writer) error { return s.Discard(t.ctx, id) },
		} {
			id, w := fresh(t, s, content)
			f := newFlight(t)
			release := f.block(w, content[:10])
			defer release()
			var both sync.WaitGroup
			both.Go(func() {
				for rest := content[10:]; len(rest) > 0; {
					n := min(len(rest), 1<<19)
					if f.append(w, rest[:n]) != nil {
						break
					}
					rest = rest[n:]
				}
			})
			both.Go(func() {
				if err := end(id, w); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			release()
			both.Wait()
			durable := int64(0)
			for _, r := range f.land() {
				if r.err == nil {
					durable = max(durable, r.n)
				}
			}
			next := begin(t, s, id, content, -1)
			if name != "discarded" {
				require.GreaterOrEqual(t, next.Offset(), durable, name)
			}
			wholeAt(t, next, content, next.Offset())
		}
	}},
	{name: "content of pieces of every size is whole", body: func(t *T) {
		s := t.open(Options{})
		_, w := fresh(t, s, nil)
		sizes := []int{1, 1, 4095, 4096, 4097, 1, 64 << 10, 3, 100_000, w.MaxChunk(), 1}
		var content []byte
		for _, n := range sizes {
			content = append(content, random(n)...)
		}
		id, w := fresh(t, s, content)
		f := newFlight(t)
		rest := content
		for _, n := range sizes {
			require.NoError(t, f.append(w, rest[:n]))
			rest = rest[n:]
		}
		f.land()
		add(t, s, id, content)
		same(t, content, read(t, s, id), "the content")
	}},
	{name: "Chunks is the number of chunks, also after a restart", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		if _, counts := w.(proxy.ChunkCounter); !counts {
			return // the store has no chunks
		}
		write(t, w, content, 100)
		require.EqualValues(t, 10, w.(proxy.ChunkCounter).Chunks())
		s = t.reopen(s, Options{})
		w = begin(t, s, id, content, 1000)
		require.EqualValues(t, 10, w.(proxy.ChunkCounter).Chunks())
	}},
}

// goroutine is the number of the goroutine that calls it.
func goroutine() string {
	stack := make([]byte, 64)
	fields := bytes.Fields(stack[:runtime.Stack(stack, false)])
	return string(fields[1])
}
