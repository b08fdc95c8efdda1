package chat

import (
	"context"

	"attache/bridge"
)

// File finds the file-uploaded event with that file-id in the session's transcript.
// Codes: file-unknown if there is none that the party may see; not-joined if the party
// is not in; session-ended once the session is over, because then no party has a
// right to its files any more.
func (s *Server) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return bridge.Event{}, err
	}
	defer leave()
	var position int64
	err = r.query(ctx, func(f *fold) error {
		p, err := s.member(f, userID, s.now())
		if err != nil {
			return err
		}
		position, err = f.file(p, fileID)
		return err
	})
	if err != nil {
		return bridge.Event{}, err
	}
	return r.event(ctx, position)
}

// FindKey finds the event with that key in the session's transcript.
func (s *Server) FindKey(ctx context.Context, session, key string) (bridge.Event, bool, error) {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return bridge.Event{}, false, err
	}
	defer leave()
	// The fold may be a moment old, and after "not found" the caller posts again.
	if _, err := r.catchUp(ctx); err != nil {
		return bridge.Event{}, false, err
	}
	r.mu.Lock()
	known, ok := r.fold.keys[key]
	r.mu.Unlock()
	if !ok {
		return bridge.Event{}, false, nil
	}
	e, err := r.event(ctx, known.position)
	return e, err == nil, err
}
