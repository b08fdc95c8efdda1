package chat

import (
	"context"
	"time"

	"attache/bridge"
)

// Events calls deliver for every event after position that the party may see, first from
// the log and then live, each once and in order. It ends with ctx's error, with deliver's,
// with code not-joined when the party leaves (after its own party-left), and with code
// session-ended when the session ends; all events have been delivered then. A slow
// receiver delays no other and has a bounded number of events in memory; a store that is
// unavailable is waited for.
func (s *Server) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	v := &viewer{server: s, room: r, userID: userID, position: max(position, 0), news: r.watch()}
	defer r.unwatch(v.news)
	err = r.query(ctx, func(f *fold) (err error) {
		v.party, err = f.party(userID)
		return err
	})
	if err != nil {
		return err
	}
	return v.run(ctx, deliver)
}

// viewer is one receiver of a session's events. Its only own state is a position.
type viewer struct {
	server   *Server
	room     *room
	userID   string
	party    bridge.Party
	position int64
	news     watcher
}

// How long a viewer waits for a notification before it reads the log itself. It can miss
// an entry only if the replica lagged when the room was opened, so it polls soon at first
// and then rarely.
const (
	firstPoll = 2 * time.Second
	rarePoll  = 2 * time.Minute
)

func (v *viewer) run(ctx context.Context, deliver func(bridge.Event) error) error {
	interval := firstPoll
	for {
		entries, end, err := v.next(ctx)
		switch {
		case bridge.CodeOf(err) == bridge.CodeChatUnavailable:
			interval = firstPoll // until the store is back; nothing is lost meanwhile
		case err != nil:
			return err
		}
		for _, e := range entries {
			if e.Position <= v.position {
				continue
			}
			v.position = e.Position
			if e.Event == nil || !v.party.Sees(e.Event.Event) {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := deliver(e.Event.Event); err != nil {
				return err
			}
		}
		if len(entries) > 0 {
			continue
		}
		if end != nil {
			return end
		}
		if interval, err = v.wait(ctx, interval); err != nil {
			return err
		}
	}
}

// next returns the entries after the position, as many as are at hand; if there are none,
// end says why there will never be any.
func (v *viewer) next(ctx context.Context) (entries []*logEntry, end, err error) {
	if err := v.room.refresh(ctx); err != nil {
		return nil, nil, err
	}
	entries, from, last, end := v.peek()
	if from == 0 {
		return entries, end, nil
	}
	// It is further behind than the room's recent entries, or has only just come.
	entries, _, err = v.room.log.read(ctx, v.room.session, from, recentEntries, viewBytes)
	if err != nil || len(entries) == 0 { // a replica that lags has them later
		return nil, nil, err
	}
	for i, e := range entries {
		if e.Position > last {
			return entries[:i], end, nil
		}
	}
	return entries, end, nil
}

// peek returns the room's recent entries after the position, or the sequence to read from.
// Entries after the party's own departure are not for it.
func (v *viewer) peek() (entries []*logEntry, from uint64, last int64, end error) {
	r := v.room
	r.mu.Lock()
	defer r.mu.Unlock()
	last = r.fold.last
	if p, err := r.fold.party(v.userID); err == nil {
		v.party = p
	} else {
		last, end = r.fold.left[v.userID].position, err
	}
	if r.fold.ended(v.server.now(), v.server.cfg.Retention) {
		end = bridge.NewError(bridge.CodeSessionEnded, "")
	}
	if v.position >= last {
		return nil, 0, last, end
	}
	for i, e := range r.recent {
		if e.Position <= v.position {
			continue
		}
		if i == 0 && r.fold.next(v.position).seq != e.seq {
			break
		}
		for _, e := range r.recent[i:] {
			if e.Position <= last {
				entries = append(entries, e)
			}
		}
		return entries, 0, last, end
	}
	return nil, r.fold.next(v.position).seq, last, end
}

// wait returns when there may be a new entry, with the next poll's interval.
func (v *viewer) wait(ctx context.Context, interval time.Duration) (time.Duration, error) {
	timer := time.NewTimer(interval)
	defer timer.Stop()
	select {
	case <-v.news:
		return interval, nil
	case <-ctx.Done():
		return interval, ctx.Err()
	case <-timer.C:
		v.room.markStale()
		return min(2*interval, rarePoll), nil
	}
}
