package chat

import (
	"context"
	"math"
	"time"

	"attache/bridge"
)

// Events calls deliver for every event after position that the party may see, first from
// the log and then live, each once and in order. It ends with ctx's error, with deliver's,
// with code not-joined when the party leaves (after its own party-left), with code
// party-taken-over when another connection of the party ends this one, and with code
// session-ended when the session ends; all events have been delivered then. A transient
// notice, whose id is 0, comes between the events as it happens, to all but its sender. A slow
// receiver delays no other and has a bounded number of events in memory; a store that is
// unavailable is waited for.
func (s *Server) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	return s.EventsAndInfo(ctx, session, userID, position, deliver, nil)
}

// EventsAndInfo is [Server.Events], and calls inform with what the party may know of the
// session: after the history, and whenever that has changed and no event waits.
func (s *Server) EventsAndInfo(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error,
	inform func(bridge.SessionChanged) error) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	v := &viewer{server: s, room: r, userID: userID, position: max(position, 0), inform: inform}
	v.news, v.transient = r.watch()
	defer r.unwatch(v.news)
	err = r.query(ctx, func(f *fold) (err error) {
		v.party, err = f.party(userID)
		if gone := f.left[userID]; err != nil && gone.closing {
			v.party, err = gone.party, nil
		}
		v.taken = f.taken[userID]
		return err
	})
	if err != nil {
		return err
	}
	return v.run(ctx, deliver)
}

// viewer is one receiver of a session's events. Its only own state is where it is in the log
// and among the transient notices.
type viewer struct {
	server   *Server
	room     *room
	userID   string
	party    bridge.Party
	position int64
	taken    int64 // where the party's connections before this one ended
	news     watcher

	transient uint64 // the number of the last transient notice

	inform   func(bridge.SessionChanged) error // nil: not asked for
	informed *bridge.SessionChanged            // the last; nil: none yet
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
			if err := v.deliverTransients(e.Position, deliver); err != nil {
				return err
			}
			v.position = e.Position
			if e.Event == nil {
				continue
			}
			event, sees := v.party.View(v.server.known(v.party, e.Event.Event))
			if !sees {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := deliver(event); err != nil {
				return err
			}
		}
		if len(entries) > 0 {
			continue
		}
		if end != nil {
			return end
		}
		if err := v.deliverTransients(math.MaxInt64, deliver); err != nil {
			return err
		}
		if err := v.sendInfo(); err != nil {
			return err
		}
		if interval, err = v.wait(ctx, interval); err != nil {
			return err
		}
	}
}

// known returns e with a sender of a type that the party's version knows, if the option
// system-below-103 names one.
func (s *Server) known(p bridge.Party, e bridge.Event) bridge.Event {
	if p.ClientVersion < bridge.VersionIdleControl && e.From.UserType == bridge.System && s.cfg.SystemBelow103 != SystemHidden {
		e.From.UserType = bridge.UserType(s.cfg.SystemBelow103)
	}
	return e
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
	gone := r.fold.left[v.userID]
	if p, err := r.fold.party(v.userID); err == nil {
		v.party = p
	} else if !gone.closing {
		last, end = gone.position, err
	}
	if taken := r.fold.taken[v.userID]; taken > v.taken {
		last, end = min(last, taken), bridge.NewError(bridge.CodeTakenOver, "")
	}
	if r.fold.complete(v.server.now(), v.server.cfg.Retention) {
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

// sendInfo reports what the party may know of the session, if that has changed. A session that
// is being closed changes no more: without an end it would look as if it had none.
func (v *viewer) sendInfo() error {
	if v.inform == nil {
		return nil
	}
	info, closing := v.info()
	if closing || v.informed != nil && *v.informed == info {
		return nil
	}
	v.informed = &info
	return v.inform(info)
}

func (v *viewer) info() (info bridge.SessionChanged, closing bool) {
	v.room.mu.Lock()
	defer v.room.mu.Unlock()
	f := &v.room.fold
	return bridge.SessionChanged{
		IdleExpires: v.server.idleExpires(f, v.party), Monitored: v.server.monitored(f, v.party),
	}, f.over || f.idle.closing
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
