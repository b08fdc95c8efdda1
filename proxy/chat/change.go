package chat

import (
	"context"
	crand "crypto/rand"
	"errors"
	"math/rand/v2"
	"time"

	"attache/bridge"
)

// judge decides by a session's fold what is appended to its log: an entry, an
// error that refuses, or neither where nothing is left to do. It is called
// again whenever the log turns out to have moved on.
type judge func(f *fold, now int64) (*entry, error)

// Bounds of the contest with other proxies for a session's next place. One of
// them wins each round, so only a crowd or a store in trouble uses them up.
const (
	changeTries = 48
	fruitless   = 24 // rounds without news, after which the log must be another
	longestWait = 64 * time.Millisecond
)

// change appends what the judge decides and returns it as stored. An append is
// conditional, so an old fold does no harm to it; any other verdict counts only
// after a look at the log.
func (s *Server) change(ctx context.Context, r *room, decide judge) (*entry, error) {
	if err := r.turn.enter(ctx); err != nil {
		return nil, err
	}
	defer r.turn.leave()
	fresh, idle := false, 0
	for try := range changeTries {
		e, expected, refusal := s.judge(r, decide)
		if e == nil && fresh {
			return nil, refusal
		}
		if e != nil {
			stored, err := s.append(ctx, r, e, expected)
			if !errors.Is(err, errMoved) {
				return stored, err
			}
		}
		news, err := r.catchUp(ctx)
		if err != nil {
			return nil, err
		}
		fresh = true
		if news > 0 || e == nil {
			continue
		}
		// A replica lags, or a contender's entry is still under way.
		if idle++; idle == fruitless {
			if err := r.restart(ctx); err != nil {
				return nil, err
			}
			fresh = false
		}
		if err := pause(ctx, try); err != nil {
			return nil, err
		}
	}
	return nil, bridge.NewError(bridge.CodeBusy, "")
}

func (s *Server) judge(r *room, decide judge) (*entry, uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// A session's clock never goes back, whichever proxy's clock it was.
	now := max(s.now(), r.fold.at)
	e, err := decide(&r.fold, now)
	if err != nil || e == nil {
		return nil, 0, err
	}
	e.Place, e.At, e.Op = r.fold.last+1, now, crand.Text()
	if e.Event != nil {
		e.Event.ID, e.Event.At = e.Place, e.At
	}
	return e, r.fold.seq, nil
}

func (s *Server) append(ctx context.Context, r *room, e *entry, expected uint64) (*entry, error) {
	payload, e, err := e.encode()
	if err != nil {
		return nil, err
	}
	if e.seq, err = r.log.append(ctx, r.session, expected, e.Op, payload); err != nil {
		return nil, err
	}
	r.appended(e)
	return e, nil
}

func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(rand.N(min(time.Millisecond<<min(try, 10), longestWait)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
