package deliver_test

import (
	"context"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// dieAt ends the first goroutine that gets to that crash point, as a killed process would:
// its message is not acknowledged. The channel is closed then.
func dieAt(t *testing.T, border string) <-chan struct{} {
	dead := make(chan struct{})
	var once sync.Once
	t.Cleanup(deliver.OnCrashPoint(func(name string) {
		if name == border {
			once.Do(func() {
				close(dead)
				runtime.Goexit()
			})
		}
	}))
	return dead
}

// kill closes a loop without waiting for its deliveries.
func (w *world) kill(l *deliver.Loop) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.Close(ctx)
}

// TestCrashBetweenSteps lets a loop die at every crash point and another one continue.
func TestCrashBetweenSteps(t *testing.T) {
	for _, c := range []struct {
		border           string
		foreign, scanned bool
	}{
		{"taken", false, false},
		{"stored", false, false},
		{"announced", false, false},
		{"concluded", false, false},
		{"taken", true, true},
		{"scanned", true, true},
		{"checkpointed", true, true},
		{"stored", true, true},
		{"announced", true, true},
		{"concluded", true, true},
	} {
		name := c.border
		if c.foreign {
			name += ", scanner and foreign store"
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.store.foreign = c.foreign
			dead := dieAt(t, c.border)
			options := func(o *deliver.Options) {
				o.Lease = brief
				if c.scanned {
					o.Scanner = &scannerDouble{}
				}
			}
			first := w.start(options)
			key := w.accepted().Key
			<-dead
			w.kill(first)
			w.start(options)
			w.announcedOnce(key)
			w.eventually(func() bool {
				staged, documents := w.store.kept()
				// A foreign store whose answer was lost may have one document too many.
				return len(documents) >= 1 && (!c.foreign || len(staged) == 0)
			})
		})
	}
}

// TestRedeliveryLooksForTheKey loses the chat server's answer, and then the
// loop: the notice is found, not sent again.
func TestRedeliveryLooksForTheKey(t *testing.T) {
	w := newWorld(t)
	dead := dieAt(t, "announced")
	first := w.start(nil)
	key := w.accepted().Key
	<-dead
	w.kill(first)
	require.Zero(t, w.chat.looked(), "no loop can have held it before")
	w.start(func(o *deliver.Options) { o.Lease = brief })
	w.announcedOnce(key)
	require.Positive(t, w.chat.looked())
}

// TestOldMessagesAreNotTrusted writes the upload before any loop runs: a loop that died with
// the engine may have taken it, although the delivery count does not show it.
func TestOldMessagesAreNotTrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.accepted().Key
	w.start(nil)
	w.announcedOnce(key)
	require.Positive(t, w.chat.looked())
}

// TestCloseReturnsMessages closes a loop in the middle of a step that does not end.
func TestCloseReturnsMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := make(chan struct{}, 1)
	first := w.start(func(o *deliver.Options) {
		o.Lease = patience // so that only giving back can help
		o.Scanner = scanner(func(ctx context.Context) (proxy.Verdict, error) {
			in <- struct{}{}
			<-ctx.Done()
			return proxy.Unknown, ctx.Err()
		})
	})
	key := w.accepted().Key
	<-in
	w.kill(first)
	w.start(func(o *deliver.Options) { o.Scanner = &scannerDouble{}; o.Lease = patience })
	w.announcedOnce(key)
}

// cancelled cancels the upload as the proxy does: the record first, then the staged content.
func (w *world) cancelled(key string) {
	w.t.Helper()
	for {
		r, err := w.records.Get(w.t.Context(), session, key)
		require.NoError(w.t, err)
		require.True(w.t, r.State.May(bridge.Cancelled), r.State)
		r.State = bridge.Cancelled
		if _, err = w.records.Update(w.t.Context(), r); err == nil {
			require.NoError(w.t, w.store.Discard(w.t.Context(), r.DocumentID))
			return
		}
		require.ErrorIs(w.t, err, proxy.ErrRecordChanged)
	}
}

// heldAt starts a loop and returns the key of an upload that the loop has brought to a
// call of the hook; release lets that call return.
func (w *world) heldAt(hook *func(string) error, change func(*deliver.Options)) (key string, release func()) {
	reached, released := make(chan struct{}), make(chan struct{})
	var once sync.Once
	*hook = func(string) error {
		once.Do(func() { close(reached) })
		<-released
		return nil
	}
	w.start(change)
	key = w.accepted().Key
	<-reached
	return key, func() { close(released) }
}

// diedAt starts a loop and returns the key of an upload whose delivery has died there.
func (w *world) diedAt(border string) string {
	dead := dieAt(w.t, border)
	w.start(nil)
	key := w.accepted().Key
	<-dead
	return key
}

func TestCancelWhileAccepted(t *testing.T) {
	nothing := func() {}
	for _, c := range []struct {
		name string
		// begin brings an upload to where it is cancelled; after that comes resume.
		begin     func(w *world) (key string, resume func())
		announced bool
	}{
		{"before it is taken", func(w *world) (string, func()) {
			return w.accepted().Key, func() { w.start(nil) }
		}, false},
		{"while it is scanned", func(w *world) (string, func()) {
			in := make(chan struct{}, 1)
			w.start(func(o *deliver.Options) {
				o.Scanner = scanner(func(ctx context.Context) (proxy.Verdict, error) {
					in <- struct{}{}
					<-ctx.Done() // ends because the record says so, not because of ScanTime
					return proxy.Clean, nil
				})
			})
			key := w.accepted().Key
			<-in
			return key, nothing
		}, false},
		{"before it is stored", func(w *world) (string, func()) { return w.heldAt(&w.store.before, nil) }, false},
		{"when it is stored", func(w *world) (string, func()) { return w.heldAt(&w.store.after, nil) }, false},
		{"while it is announced", func(w *world) (string, func()) {
			return w.heldAt(&w.chat.before, func(o *deliver.Options) { o.Grace = patience })
		}, true},
		{"announced by a loop that died", func(w *world) (string, func()) { return w.diedAt("announced"), nothing }, true},
		{"stored by a loop that died", func(w *world) (string, func()) { return w.diedAt("stored"), nothing }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			key, resume := c.begin(w)
			w.cancelled(key)
			resume()
			if c.announced {
				w.announcedOnce(key)
				_, documents := w.store.kept()
				require.Len(t, documents, 1, "what is announced can be read")
				return
			}
			w.nothingStored()
			w.eventually(func() bool { return w.chat.releases(key) > 0 })
			require.Empty(t, w.chat.notices())
			w.awaitState(key, bridge.Cancelled)
		})
	}
}

// scanner is a Scanner that does not read the content.
type scanner func(ctx context.Context) (proxy.Verdict, error)

func (s scanner) Scan(ctx context.Context, _ io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	return s(ctx)
}
