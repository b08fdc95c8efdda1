package chat

import (
	"context"

	"attache/bridge"
)

// fileConfig answers file-client-cfg-get: with the limits of the party that asks and their
// use, to that party alone. The answer has no id, because it is not an entry of the log.
func (s *Server) fileConfig(ctx context.Context, r *room, userID string, e bridge.Event) (bridge.Event, error) {
	err := r.query(ctx, func(f *fold) error {
		now := s.now()
		p, err := s.member(f, userID, now)
		if err != nil {
			return err
		}
		e.At, e.From, e.Data = now, p, s.limits(f, p, "", now).ConfigData()
		return nil
	})
	return e, err
}
