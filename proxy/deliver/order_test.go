package deliver_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// after writes the record of a complete upload that is to be announced after that one.
func (w *world) after(key string, change ...func(*proxy.Record)) proxy.Record {
	w.t.Helper()
	return w.create(w.draft(func(r *proxy.Record) {
		w.accept(r)
		r.After = key
		for _, f := range change {
			f(r)
		}
	}))
}

// announced returns the keys in the transcript's order, once there are n.
func (w *world) announcedInOrder(n int) (keys []string) {
	w.t.Helper()
	w.eventually(func() bool {
		w.chat.mu.Lock()
		defer w.chat.mu.Unlock()
		return len(w.chat.events) >= n
	})
	w.chat.mu.Lock()
	defer w.chat.mu.Unlock()
	for _, e := range w.chat.events {
		keys = append(keys, e.Key)
	}
	return keys
}

// holdback is a scanner that holds one document back.
type holdback struct {
	document string
	open     chan struct{}
	verdict  proxy.Verdict
}

func newHoldback(document string, v proxy.Verdict) *holdback {
	return &holdback{document, make(chan struct{}), v}
}

func (g *holdback) Scan(ctx context.Context, _ io.Reader, d proxy.Document) (proxy.Verdict, error) {
	if d.ID != g.document {
		return proxy.Clean, nil
	}
	select {
	case <-g.open:
		return g.verdict, nil
	case <-ctx.Done():
		return proxy.Unknown, ctx.Err()
	}
}

// queued returns a channel that gets a value each time an upload begins to wait.
func queued(t *testing.T) <-chan struct{} {
	waits := make(chan struct{}, 1000)
	t.Cleanup(deliver.OnCrashPoint(func(name string) {
		if name == "queued" {
			waits <- struct{}{}
		}
	}))
	return waits
}

// gated is a world whose scanner holds the first upload back while the second one
// waits for it.
func gated(t *testing.T, v proxy.Verdict, change ...func(*deliver.Options)) (w *world, g *holdback, first, second string) {
	w = newWorld(t)
	waits := queued(t)
	one := w.draft(w.accept)
	g = newHoldback(one.DocumentID, v)
	w.start(func(o *deliver.Options) {
		o.Scanner = g
		for _, f := range change {
			f(o)
		}
	})
	w.create(one)
	second = w.after(one.Key).Key
	<-waits
	if len(change) == 0 { // otherwise its wait may be over already
		require.Empty(t, w.chat.notices())
	}
	return w, g, one.Key, second
}

func TestOrderIsKeptAcrossScanning(t *testing.T) {
	w, g, first, second := gated(t, proxy.Clean)
	close(g.open)
	require.Equal(t, []string{first, second}, w.announcedInOrder(2))
	w.announcedOnce(first, second)
}

func TestOrderDoesNotWaitForFailedUploads(t *testing.T) {
	for name, v := range map[string]proxy.Verdict{"infected": proxy.Infected, "unscannable": proxy.Unscannable} {
		t.Run(name, func(t *testing.T) {
			w, g, first, second := gated(t, v)
			close(g.open)
			require.Equal(t, []string{second}, w.announcedInOrder(1))
			w.awaitState(first, bridge.Failed)
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		w, _, first, second := gated(t, proxy.Clean)
		w.cancelled(first)
		require.Equal(t, []string{second}, w.announcedInOrder(1))
	})
	t.Run("unknown", func(t *testing.T) {
		w := newWorld(t)
		w.start(nil)
		key := w.after("00000000000000000000000000000bad").Key
		require.Equal(t, []string{key}, w.announcedInOrder(1))
	})
	t.Run("another party's", func(t *testing.T) {
		w := newWorld(t)
		w.start(nil)
		foreign := w.create(w.draft(func(r *proxy.Record) { r.UserID = "agent" })).Key
		key := w.after(foreign).Key
		require.Equal(t, []string{key}, w.announcedInOrder(1))
	})
}

// After a failed upload, the order is that of its own predecessor.
func TestOrderIsKeptOverAGap(t *testing.T) {
	w := newWorld(t)
	waits := queued(t)
	first := w.offered()
	gap := w.after(first.Key, func(r *proxy.Record) { r.State, r.Code = bridge.Failed, bridge.CodeInfected })
	w.start(nil)
	last := w.after(gap.Key)
	<-waits
	w.accept(&first)
	w.update(first)
	require.Equal(t, []string{first.Key, last.Key}, w.announcedInOrder(2))
}

func TestOrderIsWaitedForInBoundedTime(t *testing.T) {
	brief := func(o *deliver.Options) { o.Order = 30 * time.Millisecond }
	t.Run("a scanner that hangs", func(t *testing.T) {
		w, g, first, second := gated(t, proxy.Clean, brief)
		require.Equal(t, []string{second}, w.announcedInOrder(1))
		close(g.open)
		w.announcedOnce(first, second)
	})
	t.Run("each other", func(t *testing.T) {
		w := newWorld(t)
		w.start(brief)
		one := w.draft(w.accept)
		two := w.after(one.Key)
		one.After = two.Key
		w.create(one)
		w.announcedOnce(one.Key, two.Key)
	})
	t.Run("itself", func(t *testing.T) {
		w := newWorld(t)
		w.start(brief)
		w.announcedOnce(w.create(w.draft(func(r *proxy.Record) { w.accept(r); r.After = r.Key })).Key)
	})
}

// More uploads wait than there are workers, and the one that they wait for comes last.
func TestOrderTakesNoWorkers(t *testing.T) {
	const n = 20
	w := newWorld(t)
	waits := queued(t)
	w.start(func(o *deliver.Options) { o.Workers = 2 })
	records := make([]proxy.Record, n)
	var keys []string
	for i := range records {
		records[i] = w.draft(func(r *proxy.Record) {
			if i > 0 {
				r.After = records[i-1].Key
			}
		})
		records[i] = w.create(records[i])
		keys = append(keys, records[i].Key)
	}
	for i, r := range slices.Backward(records) {
		w.accept(&r)
		w.update(r)
		if i > 0 {
			<-waits
		}
	}
	require.Equal(t, keys, w.announcedInOrder(n))
	w.announcedOnce(keys...)
}

// A loop dies, or closes, while an upload waits: the next one delivers both.
func TestOrderSurvivesTheLoop(t *testing.T) {
	for name, end := range map[string]func(*world, *deliver.Loop){
		"killed": (*world).kill,
		"closed": (*world).stop,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			waits := queued(t)
			first := w.offered()
			l := w.start(func(o *deliver.Options) { o.Lease = patience }) // so that only giving back can help
			second := w.after(first.Key)
			<-waits
			end(w, l)
			require.Empty(t, w.chat.notices())
			w.start(nil)
			<-waits
			w.accept(&first)
			w.update(first)
			require.Equal(t, []string{first.Key, second.Key}, w.announcedInOrder(2))
			w.announcedOnce(first.Key, second.Key)
		})
	}
	t.Run("dead in between", func(t *testing.T) {
		w := newWorld(t)
		dead := dieAt(t, "queued")
		l := w.start(func(o *deliver.Options) { o.Lease = brief })
		first := w.offered()
		second := w.after(first.Key)
		<-dead
		w.kill(l)
		w.accept(&first)
		w.update(first)
		w.start(func(o *deliver.Options) { o.Lease = brief })
		require.Equal(t, []string{first.Key, second.Key}, w.announcedInOrder(2))
	})
}

// An upload that is cancelled while it waits stops waiting.
func TestOrderOfCancelledUploads(t *testing.T) {
	w, g, first, second := gated(t, proxy.Clean)
	w.cancelled(second)
	w.eventually(func() bool { return w.chat.releases(second) > 0 })
	close(g.open)
	require.Equal(t, []string{first}, w.announcedInOrder(1))
	w.awaitState(second, bridge.Cancelled)
}
