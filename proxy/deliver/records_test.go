package deliver_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

func TestRecordKeepsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.offered()
	r.Description, r.MimeType, r.UploadType = "the report", "application/pdf", bridge.FromFileSystem
	r.Custom = bridge.Data{bridge.Text("case", "4711 \u202e"), bridge.Int("page", 3)}
	r.Verdict, r.Staged, r.Code, r.Tries = proxy.Clean, "doc-0", bridge.CodeTimeout, 3
	r = w.update(r)
	got, err := w.open().Get(t.Context(), r.Session, r.Key)
	require.NoError(t, err)
	require.True(t, got.Created.Equal(r.Created))
	require.True(t, got.Changed.Equal(r.Changed))
	got.Created, got.Changed = r.Created, r.Changed
	require.Equal(t, r, got)
}

func TestCreateTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.offered()
	second := first
	second.DocumentID = "another"
	got, err := w.records.Create(t.Context(), second)
	require.ErrorIs(t, err, proxy.ErrRecordExists)
	require.Equal(t, first.DocumentID, got.DocumentID)
	require.Equal(t, first.Revision, got.Revision)
}

func TestUpdateAfterAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.offered()
	w.update(old)
	_, err := w.records.Update(t.Context(), old)
	require.ErrorIs(t, err, proxy.ErrRecordChanged)
}

func TestNoRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.offered()
	for name, at := range map[string][2]string{
		"another key":       {session, "ffffffffffffffffffffffffffffffff"},
		"another session":   {"chat-2", "00000000000000000000000000000001"},
		"a pattern as key":  {session, "*"},
		"a longer pattern":  {session, ">"},
		"a pattern inside":  {"*", "00000000000000000000000000000001"},
		"a key with a dot":  {session, "0000000000000000.000000000000001"},
		"a key with spaces": {session, "0000000000000000 000000000000001"},
		"nothing":           {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.records.Get(t.Context(), at[0], at[1])
			require.ErrorIs(t, err, proxy.ErrRecordUnknown)
			_, err = w.records.Create(t.Context(), proxy.Record{Session: at[0], Key: at[1] + "\r\n"})
			require.ErrorIs(t, err, proxy.ErrRecordUnknown)
		})
	}
}

// TestOneWinner has many writers add to one counter: a lost update shows.
func TestOneWinner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.offered().Key
	const writers, each = 4, 25
	var done sync.WaitGroup
	for range writers {
		records := w.open()
		done.Go(func() {
			for n := 0; n < each; {
				r, err := records.Get(t.Context(), session, key)
				if err == nil {
					r.Tries++
					_, err = records.Update(t.Context(), r)
				}
				if err == nil {
					n++
				} else if err != proxy.ErrRecordChanged {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	r, err := w.records.Get(t.Context(), session, key)
	require.NoError(t, err)
	require.Equal(t, writers*each, r.Tries)
}

// TestWatch follows one upload from the process that changes it and from
// another. The first sees every revision, the other may miss what was replaced
// before it came; both see them in order, none twice, and the last.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.open()
	here, there := make(chan proxy.Record, 100), make(chan proxy.Record, 100)
	stopHere := w.records.Watch(session, func(r proxy.Record) { here <- r })
	stopThere := other.Watch(session, func(r proxy.Record) { there <- r })
	foreign := w.records.Watch("chat-2", func(proxy.Record) { t.Error("a session's watcher was notified of another") })
	defer foreign()

	r := w.offered()
	revisions := []uint64{r.Revision}
	for range 9 {
		r = w.update(r)
		revisions = append(revisions, r.Revision)
	}
	for _, revision := range revisions {
		require.Equal(t, revision, (<-here).Revision)
	}
	for last := uint64(0); last < r.Revision; {
		got := <-there
		require.Greater(t, got.Revision, last)
		last = got.Revision
	}
	stopHere()
	stopThere()
	// What comes now passes both consumers before the new watchers see it.
	fence := make(chan proxy.Record, 10)
	defer w.records.Watch(session, func(r proxy.Record) { fence <- r })()
	defer other.Watch(session, func(r proxy.Record) { fence <- r })()
	w.update(r)
	<-fence
	<-fence
	require.Empty(t, here)
	require.Empty(t, there)
}

func TestOwnChangeIsNotifiedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var notified []uint64
	defer w.records.Watch(session, func(r proxy.Record) { notified = append(notified, r.Revision) })()
	r := w.offered()
	require.Equal(t, []uint64{r.Revision}, notified)
}

// TestLostAnswer writes while the engine's answer gets lost: the write is found
// where it happened, made where it did not, and refused where another was
// faster.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]bool{"it has happened": true, "it has not": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			other := w.open()
			w.records.LoseAnswer(effect, nil)
			r := w.offered()
			got, err := other.Get(t.Context(), r.Session, r.Key)
			require.NoError(t, err)
			require.Equal(t, r.Revision, got.Revision)

			w.records.LoseAnswer(effect, nil)
			r.Tries = 7
			r = w.update(r)
			got, err = other.Get(t.Context(), r.Session, r.Key)
			require.NoError(t, err)
			require.Equal(t, r.Revision, got.Revision)
			require.Equal(t, 7, got.Tries)
		})
	}
	t.Run("another was faster", func(t *testing.T) {
		w := newWorld(t)
		other := w.open()
		r := w.offered()
		w.records.LoseAnswer(false, func() {
			_, err := other.Update(t.Context(), r)
			require.NoError(t, err)
		})
		_, err := w.records.Update(t.Context(), r)
		require.ErrorIs(t, err, proxy.ErrRecordChanged)
	})
}

// A sweep of old content keeps what a record still needs.
func TestLinkedIsWhatARecordNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := map[string]bool{"another store's": true}
	for _, state := range []bridge.UploadState{
		bridge.Offered, bridge.Receiving, bridge.Accepted, bridge.Scanning, bridge.Stored, bridge.Announced, bridge.Failed, bridge.Cancelled,
	} {
		r := w.create(w.draft(func(r *proxy.Record) { r.State = state }))
		if state != bridge.Failed && state != bridge.Cancelled {
			want[r.DocumentID] = true
		}
	}
	moved := w.create(w.draft(func(r *proxy.Record) {
		r.State, r.Staged, r.DocumentID = bridge.Stored, r.DocumentID, "another store's"
	}))
	want[moved.Staged] = true
	got, err := w.records.Linked(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.records.Linked(ended)
	require.Error(t, err)
}
