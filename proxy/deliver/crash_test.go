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

// dieAt ends the goroutine that first gets to that border, as a killed process
// would: nothing is told to the queue. The channel is closed then.
func dieAt(t *testing.T, border string) <-chan struct{} {
	dead := make(chan struct{})
	var once sync.Once
	t.Cleanup(deliver.OnStep(func(name string) {
		if name == border {
			once.Do(func() {
				close(dead)
				runtime.Goexit()
			})
		}
	}))
	return dead
}

// kill closes a loop without waiting for anything it could still do well.
func (w *world) kill(l *deliver.Loop) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.Close(ctx)
}

// TestCrashBetweenSteps lets a loop die at every border and another one find
// what it left.
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
		{"kept", true, true},
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
				// A foreign store whose answer died may have one document too many.
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
	require.Zero(t, w.chat.looked(), "nobody can have held it before")
	w.start(func(o *deliver.Options) { o.Lease = brief })
	w.announcedOnce(key)
	require.Positive(t, w.chat.looked())
}

// TestOldMessagesAreNotTrusted writes the upload before any loop runs: a loop
// that died with the engine may have had it, though nothing counts that.
func TestOldMessagesAreNotTrusted(t *testing.T) {
	w := newWorld(t)
	key := w.accepted().Key
	w.start(nil)
	w.announcedOnce(key)
	require.Positive(t, w.chat.looked())
}

// TestCloseGivesBack closes a loop in the middle of a step that does not end.
func TestCloseGivesBack(t *testing.T) {
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

// cancelled takes the upload back as the proxy does: the record first, then
// what has been staged.
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

func TestCancelWhileAccepted(t *testing.T) {
	hold := func() (reached, release chan struct{}, hook func(string) error) {
		reached, release = make(chan struct{}), make(chan struct{})
		var once sync.Once
		return reached, release, func(string) error {
			once.Do(func() { close(reached) })
			<-release
			return nil
		}
	}
	gone := func(t *testing.T, w *world, key string) {
		w.nothingStored()
		w.eventually(func() bool { return w.chat.releases(key) > 0 })
		require.Empty(t, w.chat.notices())
		w.awaitState(key, bridge.Cancelled)
	}
	t.Run("before it is taken", func(t *testing.T) {
		w := newWorld(t)
		key := w.accepted().Key
		w.cancelled(key)
		w.start(nil)
		gone(t, w, key)
	})
	t.Run("while it is scanned", func(t *testing.T) {
		w := newWorld(t)
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
		w.cancelled(key)
		gone(t, w, key)
	})
	t.Run("before it is stored", func(t *testing.T) {
		w := newWorld(t)
		reached, release, hook := hold()
		w.store.before = hook
		w.start(nil)
		key := w.accepted().Key
		<-reached
		w.cancelled(key)
		close(release)
		gone(t, w, key)
	})
	t.Run("when it is stored", func(t *testing.T) {
		w := newWorld(t)
		reached, release, hook := hold()
		w.store.after = hook
		w.start(nil)
		key := w.accepted().Key
		<-reached
		w.cancelled(key)
		close(release)
		gone(t, w, key)
	})
	t.Run("while it is announced", func(t *testing.T) {
		w := newWorld(t)
		reached, release, hook := hold()
		w.chat.before = hook
		w.start(func(o *deliver.Options) { o.Grace = patience })
		key := w.accepted().Key
		<-reached
		w.cancelled(key)
		close(release)
		w.announcedOnce(key)
		_, documents := w.store.kept()
		require.Len(t, documents, 1, "what is announced can be read")
	})
	t.Run("announced by one who died", func(t *testing.T) {
		w := newWorld(t)
		dead := dieAt(t, "announced")
		w.start(nil)
		key := w.accepted().Key
		<-dead
		w.cancelled(key)
		w.announcedOnce(key)
		_, documents := w.store.kept()
		require.Len(t, documents, 1, "what is announced can be read")
	})
	t.Run("stored by one who died", func(t *testing.T) {
		w := newWorld(t)
		dead := dieAt(t, "stored")
		w.start(nil)
		key := w.accepted().Key
		<-dead
		w.cancelled(key)
		gone(t, w, key)
	})
}

// scanner is a Scanner that looks at no content.
type scanner func(ctx context.Context) (proxy.Verdict, error)

func (s scanner) Scan(ctx context.Context, _ io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	return s(ctx)
}
