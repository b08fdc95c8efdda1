package files_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"attache/proxy/docid"
	"attache/proxy/files"
	"attache/proxy/files/modeldisk"
)

// machine is a store on a model disk, with the uploads to it.
type machine struct {
	disk    *modeldisk.Disk
	store   *files.Store
	options files.Options
	uploads []*upload
	swept   int         // the old day
	faulty  atomic.Bool // an operation has failed,
	failed  atomic.Bool // and the store has reported a write that failed
	log     []string    // guarded by the disk's lock
	wrote   bool        // a write or a sync has failed,
	unsure  bool        // and the kernel has pages that only seem written, or takes no changes
}

// newMachine draws a machine and its uploads; all of them, or some, are of the old day.
func newMachine(t *rapid.T, old bool) *machine {
	seed := rapid.Uint64().Draw(t, "seed")
	m := &machine{disk: modeldisk.New(rand.New(rand.NewPCG(seed, 0)).IntN)}
	m.options = files.Options{Volume: m, MaxOpen: rapid.IntRange(1, 4).Draw(t, "open files"), Now: func() time.Time { return today }}
	m.options.Linger = rapid.SampledFrom([]time.Duration{-1, 100 * time.Microsecond}).Draw(t, "linger")
	m.open(t)
	for i := range rapid.IntRange(1, 4).Draw(t, "uploads") {
		day := today
		if old || rapid.IntRange(0, 3).Draw(t, "old") == 0 {
			day = oldDay
		}
		u := newUpload(t, docid.New(day), rand.New(rand.NewPCG(seed, uint64(i+1))))
		u.old = day == oldDay
		m.uploads = append(m.uploads, u)
	}
	return m
}

// Uploads of the old day are swept sooner or later.
var (
	today  = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	oldDay = today.AddDate(0, 0, -3)
)

// The machine is the store's volume, too.
func (m *machine) AdmitUpload() error { return nil }
func (m *machine) AdmitWrite() error  { return nil }
func (m *machine) WriteFailed(error)  { m.failed.Store(true) }

func (m *machine) open(t *rapid.T) {
	m.options.Disk = m.disk
	s, err := files.Open(m.options)
	require.NoError(t, err)
	m.store = s
}

func (m *machine) close(t *rapid.T) {
	m.store.Close()
	require.Zero(t, m.disk.OpenFiles(), "open files after Close")
	for _, u := range m.uploads {
		require.NoError(t, u.outcomes.all(), u.d.ID)
	}
}

// stopAt stops the disk at an operation.
func (m *machine) stopAt(n int) func(modeldisk.Operation) error {
	return func(o modeldisk.Operation) error {
		if o.Number < n {
			return nil
		}
		m.faulty.Store(true)
		return modeldisk.ErrStopped
	}
}

// failing lets some operations of one kind fail before the stop.
func (m *machine) failing(t *rapid.T, stop func(modeldisk.Operation) error) func(modeldisk.Operation) error {
	kind := rapid.SampledFrom([]modeldisk.Kind{
		modeldisk.Sync, modeldisk.Sync, modeldisk.Sync, modeldisk.Write, modeldisk.Write, modeldisk.Create,
		modeldisk.Rename, modeldisk.Truncate, modeldisk.Remove, modeldisk.Mkdir, modeldisk.SyncDir, modeldisk.Read,
	}).Draw(t, "failing")
	cause := rapid.SampledFrom([]error{syscall.EIO, syscall.ENOSPC, syscall.EROFS}).Draw(t, "cause")
	first, last := rapid.IntRange(1, 12).Draw(t, "first"), rapid.IntRange(1, 3).Draw(t, "failures")
	seen := 0
	return func(o modeldisk.Operation) error {
		if o.Kind == kind {
			if seen++; seen >= first && seen < first+last {
				m.faulty.Store(true)
				m.wrote = m.wrote || kind == modeldisk.Sync || kind == modeldisk.Write
				m.unsure = kind == modeldisk.SyncDir || kind == modeldisk.Sync
				return cause
			}
		}
		return stop(o)
	}
}

// logged records what happens to the disk, for the output of a test that fails.
func (m *machine) logged(fault func(modeldisk.Operation) error) func(modeldisk.Operation) error {
	return func(o modeldisk.Operation) error {
		err := fault(o)
		m.log = append(m.log, fmt.Sprint(o.Number, " ", o.Kind, " ", o.Name, " ", err))
		return err
	}
}

func (m *machine) logTo(t *rapid.T) {
	m.disk.Fail(nil)
	t.Logf("operations:\n%s", strings.Join(m.log, "\n"))
	m.log = nil
}

// run lets all uploads go on at once until the disk stops, and starts the machine again.
func (m *machine) run(t *rapid.T, fault func(modeldisk.Operation) error) {
	lives := make([]life, len(m.uploads))
	for i := range lives {
		lives[i] = drawnLife.Draw(t, "life")
	}
	kill := rapid.Bool().Draw(t, "kill")
	m.faulty.Store(false)
	m.failed.Store(false)
	m.wrote, m.unsure = false, false
	m.disk.Fail(m.logged(fault))
	var all errgroup.Group
	sweep := m.swept != unswept || rapid.IntRange(0, 3).Draw(t, "sweep") == 0
	for i, u := range m.uploads {
		if !sweep || !u.old {
			all.Go(func() error { return u.live(m, lives[i]) })
		}
	}
	if sweep {
		all.Go(m.sweep)
	}
	err := all.Wait()
	m.logTo(t)
	require.NoError(t, err)
	m.close(t)
	require.True(t, m.failed.Load() || !m.wrote, "a write failed, and was not reported")
	if kill && !m.unsure {
		m.disk = m.disk.Restart()
	} else {
		m.disk = m.disk.Reopen()
	}
	m.open(t)
	if rapid.Bool().Draw(t, "check") {
		for _, u := range m.uploads {
			require.NoError(t, u.check(m, rapid.Bool().Draw(t, "whole")))
		}
	}
}

// How far the sweep of the old day has come.
const (
	unswept = iota
	sweeping
	swept
)

func (m *machine) sweep() error {
	m.swept = max(m.swept, sweeping)
	days, err := m.store.Sweep(context.Background(), 1, nil)
	if err != nil {
		if m.faulty.Load() {
			return nil
		}
		return err
	}
	m.swept = swept
	if slices.ContainsFunc(days, func(d string) bool { return d != oldDay.Format(time.DateOnly) }) {
		return broken("swept %v", days)
	}
	return nil
}

// finish lets every upload end without faults. Then nothing of what was under way is left, and
// a power loss changes nothing.
func (m *machine) finish(t *rapid.T) {
	m.faulty.Store(false)
	want := map[string]bool{}
	for _, u := range m.uploads {
		if u.old {
			continue
		}
		l := drawnLife.Draw(t, "life")
		l.ending = rapid.SampledFrom([]ending{discarded, settled, removed}).Draw(t, "end")
		require.NoError(t, u.live(m, l), u.d.ID)
		if u.state == settled {
			want[u.d.ID], want[u.d.ID+".json"] = true, true
		}
	}
	for range 2 {
		require.NoError(t, m.sweep()) // a swept day may come back at a power loss, put away
		for _, u := range m.uploads {
			if u.state == discarded {
				require.NoError(t, m.store.Discard(t.Context(), u.d.ID)) // it may come back at a power loss
			}
		}
		require.Equal(t, want, m.names(t), "the files of today")
		for _, u := range m.uploads {
			require.NoError(t, u.check(m, true))
		}
		m.close(t)
		m.disk = m.disk.Reopen()
		m.open(t)
	}
	m.close(t)
}

// names are all files of today, the only day.
func (m *machine) names(t *rapid.T) map[string]bool {
	all := map[string]bool{}
	days, err := m.disk.List(".")
	require.NoError(t, err)
	for _, day := range days {
		require.Equal(t, today.Format(time.DateOnly), day)
		names, err := m.disk.List(day)
		require.NoError(t, err)
		for _, name := range names {
			all[name] = true
		}
	}
	return all
}
