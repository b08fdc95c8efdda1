package seats

import (
	"context"
	"strings"
	"time"
)

// missed is how many beats may fail to come before a proxy counts as gone.
const missed = 3

// peer is what is known of another proxy. Its life is told by beats that differ,
// counted by ours: clocks of several machines need not agree.
type peer struct {
	beat   uint64          // the sequence last seen
	silent int             // beats of ours since
	told   map[string]bool // its seats that somebody was asked to look after
}

// live beats and looks after the others until ctx ends.
func (s *Seats) live(ctx context.Context) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.turn(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the proxies' seats", "error", err)
		}
	}
}

func (s *Seats) turn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(s.every, 5*time.Second))
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

// heard notes a beat and tells whether the proxy is gone.
func (s *Seats) heard(id string, beat uint64) (gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[id]
	if p == nil || p.beat != beat {
		s.peers[id] = &peer{beat: beat, told: map[string]bool{}}
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

// inherit asks after the parties of a proxy that is gone, and forgets it when it
// has none any more.
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
		s.tell(id, seat)
	}
	return nil
}

func (s *Seats) tell(id, seat string) {
	s.mu.Lock()
	p, lost := s.peers[id], s.lost
	if lost == nil || p == nil || p.told[seat] {
		s.mu.Unlock()
		return
	}
	p.told[seat] = true
	s.mu.Unlock()
	if session, user, ok := party(seat); ok {
		lost(session, user)
	}
}
