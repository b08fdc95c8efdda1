package chat

import (
	"context"
	"time"

	"attache/bridge"
)

// Events calls deliver for every event behind position that the party may see,
// first from the log and then as they come, each once and in order. It ends
// with ctx's error, with deliver's, with code not-joined when the party leaves
// (behind its own party-left), and with code session-ended when the session
// does; everything has been delivered then. A receiver that takes its time
// holds back nobody and has a bounded number of events waiting for it; a store
// that is away for a while is waited for.
func (s *Server) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	v := &viewer{server: s, room: r, userID: userID, position: max(position, 0), news: r.watch()}
	defer r.unwatch(v.news)
	err = r.look(ctx, func(f *fold) (err error) {
		v.party, err = f.party(userID)
		return err
	})
	if err != nil {
		return err
	}
	return v.run(ctx, deliver)
}

// viewer is one receiver of a session's events. It owns nothing of them but a
// position.
type viewer struct {
	server   *Server
	room     *room
	userID   string
	party    bridge.Party
	position int64
	news     watcher
}

// How long a viewer believes that nothing happens before it looks for itself:
// an entry can be missed only by a replica that lagged when the room was
// opened, so soon at first and then hardly ever.
const (
	firstLook  = 2 * time.Second
	seldomLook = 2 * time.Minute
)

func (v *viewer) run(ctx context.Context, deliver func(bridge.Event) error) error {
	patience := firstLook
	for {
		entries, end, err := v.more(ctx)
		switch {
		case bridge.CodeOf(err) == bridge.CodeChatUnavailable:
			patience = firstLook // the store will be back; nothing is lost meanwhile
		case err != nil:
			return err
		}
		for _, e := range entries {
			if e.Place <= v.position {
				continue
			}
			v.position = e.Place
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
		if patience, err = v.wait(ctx, patience); err != nil {
			return err
		}
	}
}

// more returns the entries behind the position, as many as are at hand; where
// there are none, end says why there will never be any.
func (v *viewer) more(ctx context.Context) (entries []*entry, end, err error) {
	if err := v.room.current(ctx); err != nil {
		return nil, nil, err
	}
	entries, from, last, end := v.glance()
	if from == 0 {
		return entries, end, nil
	}
	// It fell behind what the room remembers, or has only just come.
	entries, _, err = v.room.log.read(ctx, v.room.session, from, recentEntries, viewBytes)
	if err != nil || len(entries) == 0 { // a replica that lags has them later
		return nil, nil, err
	}
	for i, e := range entries {
		if e.Place > last {
			return entries[:i], end, nil
		}
	}
	return entries, end, nil
}

// glance looks at the room: for the entries it remembers, or for the sequence
// to read from. Nothing behind the party's own departure is for it.
func (v *viewer) glance() (entries []*entry, from uint64, last int64, end error) {
	r := v.room
	r.mu.Lock()
	defer r.mu.Unlock()
	last = r.fold.last
	if p, err := r.fold.party(v.userID); err == nil {
		v.party = p
	} else {
		last, end = r.fold.left[v.userID].place, err
	}
	if r.fold.ended(v.server.now(), v.server.options.Retention) {
		end = bridge.NewError(bridge.CodeSessionEnded, "")
	}
	if v.position >= last {
		return nil, 0, last, end
	}
	for i, e := range r.recent {
		if e.Place <= v.position {
			continue
		}
		if i == 0 && r.fold.next(v.position).seq != e.seq {
			break
		}
		for _, e := range r.recent[i:] {
			if e.Place <= last {
				entries = append(entries, e)
			}
		}
		return entries, 0, last, end
	}
	return nil, r.fold.next(v.position).seq, last, end
}

// wait returns when there may be something new, and how patient to be next time.
func (v *viewer) wait(ctx context.Context, patience time.Duration) (time.Duration, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-v.news:
		return patience, nil
	case <-ctx.Done():
		return patience, ctx.Err()
	case <-timer.C:
		v.room.doubt()
		return min(2*patience, seldomLook), nil
	}
}
