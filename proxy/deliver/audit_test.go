package deliver_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// auditDouble stores the lines, after it has failed the given number of times.
type auditDouble struct {
	mu      sync.Mutex
	fails   int
	asked   int
	entries []proxy.AuditRecord
}

func (a *auditDouble) Write(e proxy.AuditRecord) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked++; a.asked <= a.fails {
		return bridge.WrapError(bridge.CodeStorageUnavailable, errAway)
	}
	a.entries = append(a.entries, e)
	return nil
}

func (a *auditDouble) tries() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// acts are the actions of one upload, in the order of their lines.
func (a *auditDouble) acts(key string) (acts []proxy.Action) {
	for _, e := range a.of(key) {
		acts = append(acts, e.Action)
	}
	return acts
}

func (a *auditDouble) of(key string) (entries []proxy.AuditRecord) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.entries {
		if e.Key == key {
			entries = append(entries, e)
		}
	}
	return entries
}

func (w *world) noted(a *auditDouble, key string, want ...proxy.Action) {
	w.t.Helper()
	w.eventually(func() bool { return slices.Equal(want, a.acts(key)) })
}

// settled waits until the queue is empty.
func (w *world) settled(l *deliver.Loop) {
	w.t.Helper()
	w.eventually(func() bool {
		waiting, taken, err := l.Queue(w.t.Context())
		return err == nil && waiting == 0 && taken == 0
	})
}

func TestT21EveryEndHasALine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verdict proxy.Verdict
		end     func(w *world) string // returns the key
		want    []proxy.Action
		code    bridge.Code
	}{
		"announced":   {proxy.Clean, func(w *world) string { return w.accepted().Key }, []proxy.Action{proxy.ActionAnnounced}, ""},
		"infected":    {proxy.Infected, func(w *world) string { return w.accepted().Key }, []proxy.Action{proxy.ActionVerdict, proxy.ActionFailed}, bridge.CodeInfected},
		"unscannable": {proxy.Unscannable, func(w *world) string { return w.accepted().Key }, []proxy.Action{proxy.ActionVerdict, proxy.ActionFailed}, bridge.CodeUnscannable},
		"cancelled": {proxy.Clean, func(w *world) string {
			r := w.offered()
			w.cancelled(r.Key)
			return r.Key
		}, []proxy.Action{proxy.ActionCancelled}, ""},
		"failed on its way": {proxy.Clean, func(w *world) string {
			r := w.offered()
			r.State, r.Code = bridge.Failed, bridge.CodeDigest
			return w.update(r).Key
		}, []proxy.Action{proxy.ActionFailed}, bridge.CodeDigest},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := &auditDouble{}
			l := w.start(func(o *deliver.Options) {
				o.Audit, o.Scanner = a, &scannerDouble{answers: []any{c.verdict}}
			})
			key := c.end(w)
			w.noted(a, key, c.want...)
			w.settled(l)
			require.Equal(t, c.want, a.acts(key), "each line once")
			last := a.of(key)[len(c.want)-1]
			require.Equal(t, c.code, last.Code)
			require.Equal(t, "customer", last.UserID)
			r, err := w.records.Get(t.Context(), session, key)
			require.NoError(t, err)
			require.True(t, r.Changed.Equal(last.Time))
			require.Equal(t, r.FileID, last.FileID)
		})
	}
}

// The file cannot be written for a while: the end's line waits in the queue, also for
// another loop.
func TestT21LinesWaitUntilTheyCanBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	full := &auditDouble{fails: 1 << 30}
	first := w.start(func(o *deliver.Options) { o.Audit = full })
	announced := w.accepted().Key
	taken := w.offered().Key
	w.cancelled(taken)
	w.eventually(func() bool { return full.tries() >= 6 })
	w.awaitState(announced, bridge.Announced)
	w.stop(first)

	a := &auditDouble{fails: 2}
	w.start(func(o *deliver.Options) { o.Audit = a })
	w.noted(a, announced, proxy.ActionAnnounced)
	w.noted(a, taken, proxy.ActionCancelled)
}

// A record is not forgotten before its line is written, however old it is.
func TestT21NoRecordIsForgottenBeforeItsLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	impatient := func(a proxy.Audit) func(*deliver.Options) {
		return func(o *deliver.Options) { o.Audit, o.Keep, o.Sweep = a, time.Nanosecond, 2*time.Millisecond }
	}
	full := &auditDouble{fails: 1 << 30}
	first := w.start(impatient(full))
	key := w.offered().Key
	w.cancelled(key)
	w.eventually(func() bool { return full.tries() >= 10 })
	_, err := w.records.Get(t.Context(), session, key)
	require.NoError(t, err)
	w.stop(first)

	a := &auditDouble{}
	w.start(impatient(a))
	w.noted(a, key, proxy.ActionCancelled)
	w.eventually(func() bool {
		_, err := w.records.Get(t.Context(), session, key)
		return errors.Is(err, proxy.ErrRecordUnknown)
	})
}

// After a crash between the record and its line, another loop writes the line; after one
// between the line and the message's acknowledgement, it is written twice.
func TestT21CrashAroundTheLine(t *testing.T) {
	for name, c := range map[string]struct {
		border string
		want   []proxy.Action
	}{
		"before it": {"concluded", []proxy.Action{proxy.ActionAnnounced}},
		"after it":  {"audited", []proxy.Action{proxy.ActionAnnounced, proxy.ActionAnnounced}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := &auditDouble{}
			dead := dieAt(t, c.border)
			first := w.start(func(o *deliver.Options) { o.Audit = a })
			key := w.accepted().Key
			<-dead
			w.kill(first)
			l := w.start(func(o *deliver.Options) { o.Audit, o.Lease = a, brief })
			w.noted(a, key, c.want...)
			w.settled(l)
			require.Equal(t, c.want, a.acts(key))
		})
	}
}

// A verdict that cannot be audited has no effect: the file is scanned again.
func TestT21TheVerdictComesBeforeTheFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := &auditDouble{fails: 2}
	s := &scannerDouble{answers: []any{proxy.Infected, proxy.Infected, proxy.Infected}}
	w.start(func(o *deliver.Options) { o.Audit, o.Scanner = a, s })
	key := w.accepted().Key
	w.noted(a, key, proxy.ActionVerdict, proxy.ActionFailed)
	require.Empty(t, w.chat.notices())
	require.Equal(t, 3, s.scans)
}

// An upload that was cancelled too late ends as announced, because the transcript has it.
func TestT21LineHasTheFinalState(t *testing.T) {
	w := newWorld(t)
	a := &auditDouble{}
	dead := dieAt(t, "announced")
	l := w.start(func(o *deliver.Options) { o.Audit = a })
	key := w.accepted().Key
	<-dead
	w.cancelled(key)
	w.noted(a, key, proxy.ActionAnnounced)
	w.settled(l)
	require.Equal(t, []proxy.Action{proxy.ActionAnnounced}, a.acts(key))
}
