package deliver_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
	"attache/proxy/engine"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// patience is how long a test waits for an event that must come.
const patience = time.Minute

// unhurried is a lease that no pause of the machine ends, so each step that a test
// counts happens once. brief is a lease whose end a test waits for, after its
// holder's death.
const (
	unhurried = 10 * time.Second
	brief     = 300 * time.Millisecond
)

const session = "chat-1"

// world is an engine with doubles around it.
type world struct {
	t       *testing.T
	engine  *engine.Engine
	records *deliver.Records
	chat    *chatDouble
	store   *storeDouble
	last    atomic.Int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, engine.Options{Dir: t.TempDir()})
}

func newWorldOn(t *testing.T, o engine.Options) *world {
	t.Helper()
	e, err := engine.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	w := &world{t: t, engine: e, chat: newChatDouble(), store: newStoreDouble()}
	w.records = w.open()
	return w
}

// open opens the records as another process would.
func (w *world) open() *deliver.Records {
	w.t.Helper()
	r, err := deliver.OpenRecords(w.t.Context(), w.engine, deliver.RecordsOptions{})
	require.NoError(w.t, err)
	w.t.Cleanup(r.Close)
	return r
}

// start runs a loop with times that suit a test, until the test ends.
func (w *world) start(change func(*deliver.Options)) *deliver.Loop {
	w.t.Helper()
	o := deliver.Options{
		Records: w.records, Staging: w.store, Documents: w.store, Chat: w.chat, Scanner: proxy.NoScanner{},
		Lease: unhurried, Delay: 5 * time.Millisecond, MaxDelay: 20 * time.Millisecond,
		Grace: 50 * time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	l, err := deliver.Start(w.t.Context(), o)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { w.stop(l) })
	return l
}

// stop closes a loop as a drain does.
func (w *world) stop(l *deliver.Loop) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(w.t, l.Close(ctx))
}

// offered writes the record of a new upload of a customer.
func (w *world) offered() proxy.Record { return w.create(w.draft(func(*proxy.Record) {})) }

// accepted writes the record of an upload whose bytes are all there.
func (w *world) accepted() proxy.Record { return w.create(w.draft(w.accept)) }

func (w *world) accept(r *proxy.Record) {
	body := []byte("hello")
	w.store.put(r.DocumentID, body)
	sum := sha256.Sum256(body)
	r.State, r.Digest = bridge.Accepted, hex.EncodeToString(sum[:])
}

func (w *world) draft(change func(*proxy.Record)) proxy.Record {
	n := w.last.Add(1)
	r := proxy.Record{
		Key: fmt.Sprintf("%032x", n), Session: session, UserID: "customer", Customer: true, State: bridge.Offered,
		DocumentID: fmt.Sprintf("doc-%d", n), Name: "report.pdf", Size: 5, Visibility: bridge.All, Created: time.Now(),
	}
	change(&r)
	return r
}

func (w *world) create(r proxy.Record) proxy.Record {
	w.t.Helper()
	r, err := w.records.Create(w.t.Context(), r)
	require.NoError(w.t, err)
	return r
}

func (w *world) update(r proxy.Record) proxy.Record {
	w.t.Helper()
	r, err := w.records.Update(w.t.Context(), r)
	require.NoError(w.t, err)
	return r
}

// written collects the records that are written from now on. The function it
// returns waits for n of them and gives their states in the order of their
// revisions; a watcher might be notified of the last one only.
func (w *world) written() (states func(n int) []bridge.UploadState) {
	records := make(chan proxy.Record, 100)
	w.records.OnWritten(func(r proxy.Record) { records <- r })
	return func(n int) (states []bridge.UploadState) {
		w.t.Helper()
		var all []proxy.Record
		timeout := time.After(patience)
		for len(all) < n {
			select {
			case r := <-records:
				all = append(all, r)
			case <-timeout:
				require.FailNow(w.t, "records are missing", "%+v", all)
			}
		}
		slices.SortFunc(all, func(a, b proxy.Record) int { return cmp.Compare(a.Revision, b.Revision) })
		for _, r := range all {
			states = append(states, r.State)
		}
		return states
	}
}

// await waits until the upload's record is as it should be.
func (w *world) await(key string, is func(proxy.Record) bool) proxy.Record {
	w.t.Helper()
	changed := make(chan struct{}, 1)
	defer w.records.Watch(session, func(proxy.Record) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	timeout := time.After(patience)
	for {
		r, err := w.records.Get(w.t.Context(), session, key)
		require.NoError(w.t, err)
		if is(r) {
			return r
		}
		select {
		case <-changed:
		case <-timeout:
			require.FailNow(w.t, "the upload did not get there", "%+v", r)
		}
	}
}

func (w *world) awaitState(key string, state bridge.UploadState) proxy.Record {
	w.t.Helper()
	return w.await(key, func(r proxy.Record) bool { return r.State == state })
}

// eventually is for conditions that no record shows.
func (w *world) eventually(is func() bool) {
	w.t.Helper()
	require.Eventually(w.t, is, patience, 2*time.Millisecond)
}

func (w *world) nothingStored() {
	w.t.Helper()
	w.eventually(func() bool {
		staged, documents := w.store.kept()
		return len(staged) == 0 && len(documents) == 0
	})
}

func (w *world) announcedOnce(keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		w.awaitState(key, bridge.Announced)
	}
	notices := w.chat.notices()
	for _, key := range keys {
		require.Equal(w.t, 1, notices[key], "notices of %s", key)
	}
}
