package storetest

import (
	"context"
	"math"
	"sync"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

var beginCases = []storeCase{
	{name: "Begin of a new id starts at its first byte", body: func(t *T) {
		s := t.open(Options{})
		for _, acked := range []int64{-1, 0} {
			id := s.NewID()
			wholeAt(t, begin(t, s, id, random(10), acked), nil, 0)
			wholeAt(t, begin(t, s, id, random(10), acked), nil, 0)
		}
	}},
	{name: "Begin continues after the last durable byte, whatever was acked", body: func(t *T) {
		s := t.open(Options{})
		content := random(300_000)
		for name, acked := range map[string]int64{
			"unknown": -1, "nothing": 0, "less": 60_000, "all": 100_000, "more": 100_001, "far more": math.MaxInt64,
		} {
			id, w := fresh(t, s, content)
			write(t, w, content[:100_000], 30_000)
			w, err := s.Begin(t.ctx, offer(id, content), acked)
			require.NoError(t, err, name)
			wholeAt(t, w, content, 100_000)
			write(t, w, content[100_000:], 70_000)
			require.NoError(t, w.Close())
			add(t, s, id, content)
			same(t, content, read(t, s, id), name)
		}
	}},
	{name: "Begin takes the right to write from the writer before, whose next Append fails with upload-superseded", body: func(t *T) {
		s := t.open(Options{})
		supersede(t, s, s)
	}},
	{name: "Begin takes the right to write from the writer of another process", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		supersede(t, s, t.beside(s, Options{}))
	}},
	{name: "pieces under way when Begin takes the right are durable before it returns, or never", body: func(t *T) {
		s := t.open(Options{})
		overtake(t, s, s)
	}},
	{name: "pieces under way when another process takes the right are durable before Begin returns, or never", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		overtake(t, s, t.beside(s, Options{}))
	}},
	{name: "competing writers leave whole content", body: func(t *T) {
		s := t.open(Options{})
		compete(t, s.NewID(), s, s, s)
	}},
	{name: "competing writers of several processes leave whole content", cluster: true, body: func(t *T) {
		s := t.open(Options{})
		compete(t, s.NewID(), s, t.beside(s, Options{}), t.beside(s, Options{}))
	}},
	{name: "Begin of a document fails with upload-conflict, and the document is unharmed", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		for _, content := range [][]byte{content, nil} {
			id := put(t, s, content, 400)
			for _, acked := range []int64{-1, 0, int64(len(content)), 1} {
				_, err := s.Begin(t.ctx, offer(id, content), acked)
				mustRefuse(t, bridge.CodeUploadConflict, err)
			}
			same(t, content, read(t, s, id), "the document")
		}
	}},
	{name: "Begin whose ctx has ended harms nothing", body: func(t *T) {
		s := t.open(Options{})
		content := random(1000)
		id, w := fresh(t, s, content)
		write(t, w, content[:600], 200)
		ended, cancel := context.WithCancel(t.ctx)
		cancel()
		if w, err := s.Begin(ended, offer(id, content), -1); err == nil {
			require.NoError(t, w.Close())
		}
		w = begin(t, s, id, content, -1)
		wholeAt(t, w, content, 600)
	}},
}

// supersede writes with a first or later writer of one store, and continues in another.
func supersede(t *T, s, other Store) {
	content := random(5000)
	for _, times := range []int{1, 3} {
		id := s.NewID()
		var old proxy.Writer
		for range times {
			old = begin(t, s, id, content, 0)
		}
		write(t, old, content[:1000], 1000)
		next := begin(t, other, id, content, 1000)

		err := refused(t, old, content[1000:2000])
		mustRefuse(t, bridge.CodeSuperseded, err, "the next Append of writer", times)
		require.EqualValues(t, 1000, old.Stored())
		mustRefuse(t, bridge.CodeSuperseded, refused(t, old, content[1000:2000]), "every later one")

		wholeAt(t, next, content, 1000)
		write(t, next, content[1000:3000], 1000)
		mustRefuse(t, bridge.CodeSuperseded, refused(t, old, content[1000:2000]), "after the other wrote")
		require.NoError(t, old.Close())
		write(t, next, content[3000:], 1000)
		add(t, s, id, content)
		same(t, content, read(t, other, id), "the content")
	}
}

// overtake begins content in another store while a writer appends pieces.
func overtake(t *T, s, other Store) {
	content := random(60 * 5000)
	for try := range 5 {
		id, old := fresh(t, s, content)
		f := newFlight(t)
		begins, begun := make(chan struct{}), make(chan struct{})
		var appending sync.WaitGroup
		appending.Go(func() {
			for i := range 60 {
				if i == 5*try {
					close(begins)
				}
				if i == 57 {
					<-begun // the last pieces come too late
				}
				if err := f.append(old, content[i*5000:(i+1)*5000]); err != nil {
					if bridge.CodeOf(err) != bridge.CodeSuperseded {
						t.Errorf("append: %v", err)
					}
					return
				}
			}
		})
		<-begins
		next, err := other.Begin(t.ctx, offer(id, content), -1)
		close(begun)
		appending.Wait()
		require.NoError(t, err)
		start := next.Offset()
		for _, r := range f.land() {
			if r.err == nil {
				require.LessOrEqual(t, r.n, start, "a piece is durable, but Begin returned before it was")
			} else {
				mustRefuse(t, bridge.CodeSuperseded, r.err)
			}
		}
		wholeAt(t, next, content, start)
		write(t, next, content[start:], 10_000)
		add(t, other, id, content)
		same(t, content, read(t, s, id), "the content")
	}
}

// compete lets writers of each store keep taking one upload from each other. Each gives up
// when all of it is durable.
func compete(t *T, id string, stores ...Store) {
	content := random(400_000)
	var all sync.WaitGroup
	for _, s := range stores {
		all.Go(func() {
			for range 500 {
				w, err := s.Begin(t.ctx, offer(id, content), -1)
				if bridge.CodeOf(err) == bridge.CodeSuperseded {
					continue
				}
				if err != nil {
					t.Errorf("begin: %v", err)
					return
				}
				stored := appendAll(t, w, content)
				w.Close()
				if stored == int64(len(content)) {
					return
				}
			}
			t.Errorf("one writer never won")
		})
	}
	all.Wait()
	add(t, stores[0], id, content)
	same(t, content, read(t, stores[len(stores)-1], id), "the content")
}

// appendAll appends the rest of content until an Append fails, and returns how much is durable
// once no piece is under way.
func appendAll(t *T, w proxy.Writer, content []byte) int64 {
	var under sync.WaitGroup
	for w.Offset() < int64(len(content)) {
		under.Add(1)
		piece := content[w.Offset():min(int64(len(content)), w.Offset()+10_000)]
		if w.Append(t.ctx, piece, func(int64, error) { under.Done() }) != nil {
			under.Done()
			break
		}
	}
	under.Wait()
	return w.Stored()
}
