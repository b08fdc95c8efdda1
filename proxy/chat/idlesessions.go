package chat

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// idleSessions are the sessions that are not known to be over, and when idle control looks at
// each next. Every proxy has all of them, because the one with a session's parties may die.
type idleSessions struct {
	mu  sync.Mutex
	due map[string]int64 // by session: milliseconds since 1970

	failing atomic.Bool // the last look failed
}

const (
	// idleRound is how often the sessions that are due are looked at.
	idleRound = time.Second

	// findTime bounds one attempt to find the sessions of the time before a restart.
	findTime = time.Minute

	// idleGrace is how much later a proxy acts that has none of the session's parties. It has
	// then mostly seen that another one has acted, and need not read the log.
	idleGrace = 5 * time.Second
)

// runIdleControl drives idle control until ctx ends.
func (s *Server) runIdleControl(ctx context.Context) {
	for s.findSessions(ctx) != nil {
		if engine.Pause(ctx, time.Second) != nil {
			return
		}
	}
	tick := time.NewTicker(idleRound)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.controlIdle(ctx)
		}
	}
}

// findSessions notes every session whose last entry does not end it. Those of the time before
// a restart are among them.
func (s *Server) findSessions(ctx context.Context) error {
	finding, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	c, err := s.log.js.CreateConsumer(finding, streamName, jetstream.ConsumerConfig{
		FilterSubject:     subjectPrefix + ">",
		DeliverPolicy:     jetstream.DeliverLastPerSubjectPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: time.Minute,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return err
	}
	for left := c.CachedInfo().NumPending; left > 0; {
		batch, err := c.Fetch(int(min(left, 256)), jetstream.FetchContext(finding))
		if err != nil {
			return err
		}
		got := 0
		for m := range batch.Messages() {
			about, err := m.Metadata()
			if err != nil {
				return err
			}
			got, left = got+1, about.NumPending
			s.noteFound(strings.TrimPrefix(m.Subject(), subjectPrefix), m.Data())
		}
		if batch.Error() != nil || got == 0 {
			return batch.Error()
		}
	}
	return nil
}

// The entries after which idle control looks at a session at once, by what is in their JSON.
// Another entry may have the same in a text; looking once more does no harm.
var (
	idleSetMember   = []byte(bridge.IdleControlSet)
	idleAlertMember = []byte(`"about":`)
)

// noteEntry notes that an entry was appended to the session's log. Activity only ever
// postpones what is due, so it changes nothing here.
func (s *Server) noteEntry(session string, entry []byte) {
	if !s.cfg.Idle.Enabled {
		return
	}
	i := &s.idle
	i.mu.Lock()
	defer i.mu.Unlock()
	_, known := i.due[session]
	switch {
	case endsSession(entry):
		delete(i.due, session)
	case bytes.Contains(entry, idleSetMember), bytes.Contains(entry, idleAlertMember):
		i.due[session] = s.now()
	case !known:
		i.due[session] = s.now() + s.cfg.Idle.Alert.Milliseconds()
	}
}

// noteFound notes a session by its last entry, which may be old.
func (s *Server) noteFound(session string, entry []byte) {
	i := &s.idle
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, known := i.due[session]; !known && !endsSession(entry) {
		i.due[session] = s.now()
	}
}

// controlIdle does what is due, in each session.
func (s *Server) controlIdle(ctx context.Context) {
	for session, due := range s.idleDue() {
		next, err := s.controlSession(ctx, session)
		if err != nil {
			s.idleFailed(ctx, session, err)
			return
		}
		s.idle.failing.Store(false)
		s.idle.schedule(session, due, next)
	}
}

// idleFailed logs the first failure of an outage.
func (s *Server) idleFailed(ctx context.Context, session string, err error) {
	if ctx.Err() != nil {
		return
	}
	level := slog.LevelWarn
	if s.idle.failing.Swap(true) {
		level = slog.LevelDebug
	}
	s.cfg.Log.Log(ctx, level, "idle control failed, retrying", "session", session, "error", err)
}

// idleDue returns the sessions to look at now.
func (s *Server) idleDue() map[string]int64 {
	i, now, out := &s.idle, s.now(), map[string]int64{}
	i.mu.Lock()
	defer i.mu.Unlock()
	for session, due := range i.due {
		if now < due {
			continue
		}
		if r := s.lobby.find(session); r != nil && r.watched() || now >= due+idleGrace.Milliseconds() {
			out[session] = due
		}
	}
	return out
}

// controlSession appends what is due in a session, and returns when to look next; 0: after
// its next entry.
func (s *Server) controlSession(ctx context.Context, session string) (next int64, err error) {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return 0, err
	}
	defer leave()
	for {
		stored, err := s.change(ctx, r, s.idleEntry)
		if err != nil {
			return 0, err
		}
		if stored == nil {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fold.ended(s.now(), s.cfg.Retention) {
		return 0, nil
	}
	return s.cfg.Idle.plan(&r.fold).at, nil
}

// schedule notes when to look at a session next, unless an entry has changed that meanwhile.
func (i *idleSessions) schedule(session string, looked, next int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.due[session] != looked:
	case next == 0:
		delete(i.due, session)
	default:
		i.due[session] = next
	}
}
