package deliver_test

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
	"attache/proxy/engine"
)

func TestDelivery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		foreign bool // the store gives ids of its own
		apart   bool // it is another one than the staging, and keeps the ids
		scanner proxy.Scanner
		states  []bridge.UploadState // from accepted on
	}{
		"no scanner": {
			states: []bridge.UploadState{bridge.Accepted, bridge.Announced},
		},
		"a scanner": {
			scanner: &scannerDouble{},
			states:  []bridge.UploadState{bridge.Accepted, bridge.Scanning, bridge.Scanning, bridge.Announced},
		},
		"a foreign store": {
			foreign: true,
			states:  []bridge.UploadState{bridge.Accepted, bridge.Stored, bridge.Announced},
		},
		"a backend's store that keeps the ids": {
			apart:  true,
			states: []bridge.UploadState{bridge.Accepted, bridge.Stored, bridge.Announced},
		},
		"a foreign store and a scanner": {
			foreign: true, scanner: &scannerDouble{},
			states: []bridge.UploadState{bridge.Accepted, bridge.Scanning, bridge.Scanning, bridge.Stored, bridge.Announced},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.store.foreign = c.foreign
			written := w.written()
			store := w.store
			w.start(func(o *deliver.Options) {
				if c.apart {
					store = newStoreDouble()
					o.Documents = &backendStore{store, w.store}
				}
				if c.scanner != nil {
					o.Scanner = c.scanner
				}
			})
			key := w.accepted().Key
			w.announcedOnce(key)
			r, err := w.records.Get(t.Context(), session, key)
			require.NoError(t, err)
			require.Equal(t, "file-0", r.FileID)
			require.EqualValues(t, 1, r.Event)
			require.Equal(t, c.states, written(len(c.states)))

			f, err := bridge.DecodeFile(w.chat.events[0])
			require.NoError(t, err)
			require.Equal(t, "report.pdf", f.Name.Text)
			require.EqualValues(t, 5, f.Size)
			require.Equal(t, key, f.Key)
			require.Equal(t, r.DocumentID, f.DocumentID)
			require.Equal(t, bridge.All, w.chat.events[0].Visibility)
			require.Equal(t, "customer", w.chat.events[0].From.UserID)

			_, documents := store.kept()
			require.Equal(t, []string{r.DocumentID}, documents)
			if s, ok := c.scanner.(*scannerDouble); ok {
				require.Equal(t, 1, s.scans)
				require.Equal(t, "hello", string(s.seen))
				require.Equal(t, proxy.Clean, r.Verdict)
			}
			if c.foreign || c.apart {
				w.eventually(func() bool { staged, _ := w.store.kept(); return len(staged) == 0 })
			}
		})
	}
}

// failing returns a hook that fails so many times with err.
func failing(times int32, err error) func(string) error {
	var n atomic.Int32
	return func(string) error {
		if n.Add(1) <= times {
			return err
		}
		return nil
	}
}

func TestTransientFailures(t *testing.T) {
	t.Parallel()
	full := bridge.NewError(bridge.CodeStorageUnavailable, "")
	away := bridge.NewError(bridge.CodeChatUnavailable, "")
	for name, prepare := range map[string]func(*world, *deliver.Options){
		"scan, no verdict": func(_ *world, o *deliver.Options) {
			o.Scanner = &scannerDouble{answers: []any{proxy.Unknown, proxy.Unknown}}
		},
		"scan, a word unheard of": func(_ *world, o *deliver.Options) { o.Scanner = &scannerDouble{answers: []any{proxy.Verdict("ok")}} },
		"scan, an error":          func(_ *world, o *deliver.Options) { o.Scanner = &scannerDouble{answers: []any{errAway, errAway}} },
		"store, before":           func(w *world, _ *deliver.Options) { w.store.before = failing(3, full) },
		"store, after":            func(w *world, _ *deliver.Options) { w.store.after = failing(3, full) },
		"store, content not found": func(w *world, _ *deliver.Options) {
			w.store.before = failing(3, bridge.NewError(bridge.CodeDocument, ""))
		},
		"announce, before":          func(w *world, _ *deliver.Options) { w.chat.before = failing(3, away) },
		"announce, a plain error":   func(w *world, _ *deliver.Options) { w.chat.before = failing(3, errAway) },
		"announce, the answer lost": func(w *world, _ *deliver.Options) { w.chat.after = failing(3, away) },
		"announce, a panic": func(w *world, _ *deliver.Options) {
			var once sync.Once
			w.chat.before = func(string) error { once.Do(func() { panic("a bug") }); return nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start(func(o *deliver.Options) { prepare(w, o) })
			w.announcedOnce(w.accepted().Key)
		})
	}
}

// An accepted upload waits for disk space, however long that takes, and another failure
// after that has all its tries.
func TestFullStoreFailsNoUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	full := failing(20, bridge.NewError(bridge.CodeStorageFull, ""))
	away := failing(1, bridge.NewError(bridge.CodeStorageUnavailable, ""))
	w.store.before = func(id string) error {
		if err := full(id); err != nil {
			return err
		}
		return away(id)
	}
	w.start(func(o *deliver.Options) { o.Tries = 3 })
	w.announcedOnce(w.accepted().Key)
}

// The disk cannot be written for longer than all tries take: content is on a volume that is
// unmounted, for instance.
func TestOutageFailsNoUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var tries atomic.Int64
	mended := func() bool { return tries.Load() >= 20 }
	detach, err := w.engine.Attach(engine.Content{Dir: t.TempDir(), Bytes: func() int64 { return 0 }, Reopen: func(*os.Root) error {
		if mended() {
			return nil
		}
		return syscall.EIO
	}})
	require.NoError(t, err)
	t.Cleanup(detach)
	w.store.before = func(string) error {
		if tries.Add(1); mended() {
			return nil
		}
		return syscall.EIO
	}
	w.engine.Volume().WriteFailed(syscall.EIO)
	w.start(func(o *deliver.Options) { o.Tries = 3 })
	w.announcedOnce(w.accepted().Key)
}

// An earlier try may have posted the notice.
func TestUploadThatWaitedForSpaceIsLookedForFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.before = failing(2, bridge.NewError(bridge.CodeStorageFull, ""))
	w.start(func(o *deliver.Options) { o.Tries = 2 })
	r := w.accepted()
	w.announcedOnce(r.Key)
	require.Positive(t, w.chat.looked())
	r, err := w.records.Get(t.Context(), session, r.Key)
	require.NoError(t, err)
	require.Equal(t, 1, r.Tries)
}

func TestPermanentFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*world, *deliver.Options)
		code    bridge.Code
	}{
		"infected": {
			func(_ *world, o *deliver.Options) { o.Scanner = &scannerDouble{answers: []any{proxy.Infected}} },
			bridge.CodeInfected,
		},
		"unscannable": {
			func(_ *world, o *deliver.Options) { o.Scanner = &scannerDouble{answers: []any{proxy.Unscannable}} },
			bridge.CodeUnscannable,
		},
		"a scanner that is never there": {
			func(_ *world, o *deliver.Options) {
				o.Tries = 3
				o.Scanner = &scannerDouble{answers: []any{errAway, errAway, errAway}}
			},
			bridge.CodeInternal,
		},
		"a scanner without a verdict": {
			func(_ *world, o *deliver.Options) {
				o.Tries = 2
				o.Scanner = &scannerDouble{answers: []any{proxy.Unknown, proxy.Unknown}}
			},
			bridge.CodeScannerOffline,
		},
		"the store refuses": {
			func(w *world, _ *deliver.Options) {
				w.store.before = failing(9, bridge.NewError(bridge.CodeNameLength, ""))
			},
			bridge.CodeNameLength,
		},
		"the session has ended":      {func(w *world, _ *deliver.Options) { w.chat.ended[session] = true }, bridge.CodeSessionEnded},
		"the party has left":         {func(w *world, _ *deliver.Options) { w.chat.left["customer"] = true }, bridge.CodeNotJoined},
		"the session, foreign store": {func(w *world, _ *deliver.Options) { w.store.foreign = true; w.chat.ended[session] = true }, bridge.CodeSessionEnded},
		"a chat server that is never there": {
			func(w *world, o *deliver.Options) {
				o.Tries = 3
				w.chat.before = failing(9, bridge.NewError(bridge.CodeChatUnavailable, ""))
			},
			bridge.CodeChatUnavailable,
		},
		"the key is a message's": {
			func(w *world, _ *deliver.Options) {
				w.chat.before = func(string) error { return errAway }
				w.chat.events = []bridge.Event{{ID: 1, Type: bridge.Message, Key: "00000000000000000000000000000001"}}
			},
			bridge.CodeUploadConflict,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start(func(o *deliver.Options) { c.prepare(w, o) })
			key := w.accepted().Key
			r := w.awaitState(key, bridge.Failed)
			require.Equal(t, c.code, r.Code)
			w.nothingStored()
			w.eventually(func() bool { return w.chat.releases(key) > 0 })
			require.Empty(t, w.chat.notices())
		})
	}
}

func TestT30InfectedIsNeverStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(func(o *deliver.Options) { o.Scanner = &scannerDouble{answers: []any{proxy.Infected}} })
	r := w.awaitState(w.accepted().Key, bridge.Failed)
	require.Equal(t, proxy.Infected, r.Verdict)
	w.nothingStored()
	require.Zero(t, w.store.adds)
}

// bounds records how long the scanner and the store may take.
type bounds struct {
	*storeDouble
	scan, store time.Duration
}

func (b *bounds) Scan(ctx context.Context, _ io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	end, _ := ctx.Deadline()
	b.scan = time.Until(end)
	return proxy.Clean, nil
}

func (b *bounds) Add(ctx context.Context, d proxy.Document) (string, error) {
	end, _ := ctx.Deadline()
	b.store = time.Until(end)
	return b.storeDouble.Add(ctx, d)
}

// 1 GiB through 100 Mbit/s takes a minute and a half.
func TestLargeFileMayTakeLonger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size    int64
		inPlace bool // nothing of the content is read to store it
		scan    time.Duration
		store   time.Duration
	}{
		"small":          {5, false, 5 * time.Minute, time.Minute},
		"1 GiB":          {1 << 30, false, 5*time.Minute + 4096*time.Second, time.Minute + 4096*time.Second},
		"1 GiB in place": {1 << 30, true, 5*time.Minute + 4096*time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := &bounds{storeDouble: w.store}
			w.start(func(o *deliver.Options) {
				o.Scanner, o.Documents = b, b
				if c.inPlace {
					o.Staging = b
				}
			})
			r := w.create(w.draft(func(r *proxy.Record) { w.accept(r); r.Size = c.size }))
			w.announcedOnce(r.Key)
			require.InDelta(t, c.scan.Minutes(), b.scan.Minutes(), 1)
			require.InDelta(t, c.store.Minutes(), b.store.Minutes(), 1)
		})
	}
}

func TestLoopNeedsAScanner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := deliver.Start(t.Context(), deliver.Options{Records: w.records, Staging: w.store, Documents: w.store, Chat: w.chat})
	require.ErrorContains(t, err, "Scanner")
}

// TestTwoLoopsShareTheQueue has two loops of one worker each: neither can continue its first
// upload before the other has one too.
func TestTwoLoopsShareTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := make(chan struct{})
	var started atomic.Int32
	start := func(records *deliver.Records) {
		var once sync.Once
		w.start(func(o *deliver.Options) {
			o.Records, o.Workers = records, 1
			o.Documents = &gate{storeDouble: w.store, pass: func() {
				once.Do(func() {
					if started.Add(1) == 2 {
						close(both)
					}
				})
				<-both
			}}
		})
	}
	start(w.records)
	start(w.open())
	var keys []string
	for range 40 {
		keys = append(keys, w.accepted().Key)
	}
	w.announcedOnce(keys...)
}

type gate struct {
	*storeDouble
	pass func()
}

func (g *gate) Add(ctx context.Context, d proxy.Document) (string, error) {
	g.pass()
	return g.storeDouble.Add(ctx, d)
}

// TestFailingUploadDelaysNoOther delivers thirty uploads by two workers while one always fails.
func TestFailingUploadDelaysNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	poison := w.accepted().Key
	w.chat.before = func(key string) error {
		if key == poison {
			return errors.New("no")
		}
		return nil
	}
	w.start(func(o *deliver.Options) { o.Workers, o.Tries = 2, 10 })
	var keys []string
	for range 30 {
		keys = append(keys, w.accepted().Key)
	}
	w.announcedOnce(keys...)
	r := w.awaitState(poison, bridge.Failed)
	require.Equal(t, bridge.CodeInternal, r.Code)
	require.Equal(t, 10, r.Tries)
}

func TestUnreadableRecordIsSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.engine.JetStream().Publish(t.Context(), "upload.chat-1.rubbish", []byte("{"))
	require.NoError(t, err)
	w.start(nil)
	w.announcedOnce(w.accepted().Key)
}

// TestSlowStepKeepsItsLease holds a step longer than several leases: no other loop takes it.
func TestSlowStepKeepsItsLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lease = time.Second // its holder has a third of it to be late
	var calls atomic.Int32
	w.store.before = func(string) error {
		calls.Add(1)
		timer := time.NewTimer(3 * lease)
		defer timer.Stop()
		<-timer.C
		return nil
	}
	w.start(func(o *deliver.Options) { o.Lease = lease })
	w.start(func(o *deliver.Options) { o.Lease = lease })
	w.announcedOnce(w.accepted().Key)
	require.EqualValues(t, 1, calls.Load())
}
