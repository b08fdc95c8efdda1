package seats

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// missed is after how many missed heartbeats a proxy counts as gone.
const missed = 3

// peer is the known state of another proxy. It is alive if its heartbeat has changed since
// our last one, so that the machines' clocks need not agree.
type peer struct {
	beat     uint64          // the sequence last seen
	silent   int             // heartbeats of ours since
	reported map[string]bool // its seats passed to OnLost's function
}

// run writes the heartbeat and checks the other proxies until ctx ends.
func (s *Seats) run(ctx context.Context) {
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.round(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("checking the other proxies' seats failed", "error", err)
		}
	}
}

func (s *Seats) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(s.interval, 5*time.Second))
	defer cancel()
	if err := s.beat(ctx); err != nil {
		return err
	}
	beats, err := s.subjects(ctx, beatPrefix+"*")
	if err != nil {
		return err
	}
	for subject := range beats {
		id := strings.TrimPrefix(subject, beatPrefix)
		if id == s.id {
			continue
		}
		m, err := s.stream.GetLastMsgForSubject(ctx, subject)
		if err != nil {
			return err
		}
		if !s.heard(id, m.Sequence) {
			continue
		}
		if err := s.inherit(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Seats) beat(ctx context.Context) error {
	_, err := s.js.Publish(ctx, beatPrefix+s.id, nil)
	return err
}

// heard records a proxy's last heartbeat and reports whether the proxy is gone.
func (s *Seats) heard(id string, beat uint64) (gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[id]
	if p == nil || p.beat != beat {
		s.peers[id] = &peer{beat: beat, reported: map[string]bool{}}
		return false
	}
	p.silent++
	return p.silent >= missed
}

func (s *Seats) gone(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[id]
	return p != nil && p.silent >= missed
}

// inherit reports the seats of a proxy that is gone, and forgets the proxy when it has none
// left.
func (s *Seats) inherit(ctx context.Context, id string) error {
	seats, err := s.subjects(ctx, seatPrefix+"*.*."+id)
	if err != nil {
		return err
	}
	if len(seats) == 0 {
		s.mu.Lock()
		delete(s.peers, id)
		s.mu.Unlock()
		return s.purge(ctx, beatPrefix+id)
	}
	for seat := range seats {
		if err := s.report(ctx, id, seat); err != nil {
			return err
		}
	}
	return nil
}

func (s *Seats) report(ctx context.Context, id, seat string) error {
	s.mu.Lock()
	p, lost := s.peers[id], s.lost
	done := lost == nil || p == nil || p.reported[seat]
	s.mu.Unlock()
	session, user, ok := party(seat)
	if done || !ok {
		return nil
	}
	m, err := s.stream.GetLastMsgForSubject(ctx, seat)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // another proxy has removed the party
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	done = p.reported[seat]
	p.reported[seat] = true
	s.mu.Unlock()
	if !done {
		lost(session, user, away(m.Data))
	}
	return nil
}

// away is how long the party of a seat may be away; 0 for one that an earlier release wrote.
func away(body []byte) time.Duration {
	ms, err := strconv.ParseInt(string(body), 10, 64)
	if err != nil || ms < 0 {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
