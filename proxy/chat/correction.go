package chat

import (
	"context"

	"attache/bridge"
)

// Correct lowers a reservation to the size that its file turned out to have: the size of a file
// that is received in one piece is known at its end only. If the party has no reservation of
// that key, Correct does nothing, as after the notice or a Release. Repeating it is free. Code
// upload-conflict refuses a larger size, which would have passed no limit.
//
// The correction is written as a reservation, so a release that does not know Correct reads it
// as well.
func (s *Server) Correct(ctx context.Context, session, userID, key string, size int64) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	if size < 0 {
		return bridge.NewError(bridge.CodeMessage, "a file has at least 0 bytes")
	}
	_, err = s.change(ctx, r, func(f *fold, now int64) (*logEntry, error) {
		held, ok := f.held(key, now, s.cfg.ReservationTTL)
		switch {
		case !ok || held.userID != userID || f.ended(now, s.cfg.Retention) || size == held.size:
			return nil, nil
		case size > held.size:
			return nil, bridge.NewError(bridge.CodeUploadConflict, "a reservation is corrected downwards only")
		}
		return &logEntry{Kind: isReserve, UserID: userID, Key: key, Name: held.name, Size: size, Other: held.other}, nil
	})
	return err
}
