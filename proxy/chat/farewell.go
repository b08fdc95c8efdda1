package chat

import (
	"context"

	"attache/bridge"
	"attache/proxy"
)

// Departed lets a party that was in the session read what came last: up to its own departure,
// or to the session's end if it was in until then. It is identified by the secure key that it
// had at that time. Nothing is added to the log.
func (s *Server) Departed(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return proxy.Joined{}, err
	}
	defer leave()
	if _, err := r.catchUp(ctx); err != nil {
		return proxy.Joined{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.departed(&r.fold, j)
}

func (s *Server) departed(f *fold, j proxy.Joining) (proxy.Joined, error) {
	now := s.now()
	gone, left := f.left[j.UserID]
	if p, in := f.present[j.UserID]; in {
		// Whoever is in at the end of a session gets no departure of its own.
		gone = departure{position: f.last, party: p, closing: true, secret: f.secrets[j.UserID], older: f.older[j.UserID]}
		if left = f.ended(now, s.cfg.Retention); !left {
			return proxy.Joined{}, bridge.NewError(bridge.CodeNotJoined, "the party has not left")
		}
	}
	switch {
	case !left:
		return proxy.Joined{}, bridge.NewError(bridge.CodeParty, "")
	case !gone.hasKey(j.SecureKey, now):
		return proxy.Joined{}, bridge.NewError(bridge.CodeSecureKey, "")
	}
	joined := proxy.Joined{Party: gone.party, Position: gone.position, SecureKey: j.SecureKey, Attached: true, Started: f.started}
	if gone.closing {
		joined.Position = f.last
	}
	return joined, nil
}
