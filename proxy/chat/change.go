package chat

import (
	"context"
	crand "crypto/rand"
	"errors"
	"math/rand/v2"
	"time"

	"attache/bridge"
	"attache/proxy/engine"
)

// decision maps a session's fold to the entry to append to its log, to an error that
// refuses it, or to neither if nothing is left to do. It is called again whenever
// another proxy has appended first.
type decision func(f *fold, now int64) (*logEntry, error)

// Bounds of the contest with other proxies for a session's next entry. One of them
// wins each round, so only a crowd or an unhealthy store reaches these.
const (
	changeTries = 48
	maxIdle     = 24 // rounds without a new entry, after which the log must have been replaced
	maxBackOff  = 64 * time.Millisecond
)

// change appends the entry that the decision returns, and returns it as stored.
// Because an append is conditional, a decision on an old fold cannot append a wrong
// entry; any other outcome counts only after the log has been read.
func (s *Server) change(ctx context.Context, r *room, decide decision) (*logEntry, error) {
	if err := r.appending.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer r.appending.Release(1)
	fresh, idle := false, 0
	for try := range changeTries {
		e, expected, refusal := s.decide(r, decide)
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
		// A replica lags, or another proxy's entry is still under way.
		if idle++; idle == maxIdle {
			if err := r.reset(ctx); err != nil {
				return nil, err
			}
			fresh = false
		}
		if err := backOff(ctx, try); err != nil {
			return nil, err
		}
	}
	return nil, bridge.NewError(bridge.CodeBusy, "")
}

func (s *Server) decide(r *room, decide decision) (*logEntry, uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// A session's clock never goes back, although the proxies' clocks differ.
	now := max(s.now(), r.fold.at)
	e, err := decide(&r.fold, now)
	if err != nil || e == nil {
		return nil, 0, err
	}
	e.Position, e.At, e.Op = r.fold.last+1, now, crand.Text()
	if e.Event != nil {
		e.Event.ID, e.Event.At = e.Position, e.At
	}
	return e, r.fold.seq, nil
}

func (s *Server) append(ctx context.Context, r *room, e *logEntry, expected uint64) (*logEntry, error) {
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

func backOff(ctx context.Context, try int) error {
	return engine.Pause(ctx, rand.N(min(time.Millisecond<<min(try, 10), maxBackOff)))
}
