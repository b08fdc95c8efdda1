package chat

import (
	"context"
	"strconv"

	"attache/bridge"
)

// Limits returns the limits of the party and their use: for a CLIENT the files that
// customers announced or reserved, and their download attempts; for every other type the
// files that non-customers did. Codes not-joined and session-ended.
func (s *Server) Limits(ctx context.Context, session, userID string) (limits bridge.Limits, err error) {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return limits, err
	}
	defer leave()
	err = r.query(ctx, func(f *fold) error {
		now := s.now()
		p, err := s.member(f, userID, now)
		if err == nil {
			limits = s.limits(f, p, "", now)
		}
		return err
	})
	return limits, err
}

// limits is [Server.Limits] without the reservation of that key.
func (s *Server) limits(f *fold, p bridge.Party, except string, now int64) bridge.Limits {
	customers, limits := s.cfg.Limits.Limits()
	attempts := 0
	if p.UserType == bridge.Client {
		limits, attempts = customers, len(f.attempts)
	}
	used := f.charged(p.UserType == bridge.Client, except, now, s.cfg.ReservationTTL)
	limits.UsedFiles, limits.UsedTotalSize, limits.UsedDownloads = used.files, used.bytes, int64(attempts)
	limits.AgentHere = f.agentFor(p, "", s.cfg.VipIsAgent)
	switch {
	case !s.cfg.DeleteOthers:
	case customers.DeleteFile == bridge.DeleteOff:
		limits.DeleteOthers = bridge.OthersStaff
	default:
		limits.DeleteOthers = bridge.OthersAll
	}
	return limits
}

// WatchLimits calls changed, which must not block, whenever the limits of parties may have
// changed otherwise than by what happens in their sessions, until stop is called.
func (s *Server) WatchLimits(changed func()) (stop func()) { return s.cfg.Limits.Watch(changed) }

// Reserve counts an upload against the limits, until the notice with that key,
// Release, or [Options.ReservationTTL] after the last call. Repeating it is free, also
// after the party has left. Code upload-conflict refuses another name or size, a key of
// another party, and the key of a message or another notice in the transcript. Further
// codes: not-joined, session-ended, message-invalid, those of [bridge.Limits.Check], and
// busy while the file does not fit beside those released within the last 20 seconds. For
// parties that are not customers it only checks, unless their files or bytes are limited.
func (s *Server) Reserve(ctx context.Context, session, userID, key, name string, size int64) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	return s.reserve(ctx, r, logEntry{Kind: isReserve, UserID: userID, Key: key, Name: bridge.XMLText(name), Size: size})
}

func (s *Server) reserve(ctx context.Context, r *room, want logEntry) error {
	if !validKey(want.Key) {
		return badKey()
	}
	_, err := s.change(ctx, r, func(f *fold, now int64) (*logEntry, error) {
		if f.ended(now, s.cfg.Retention) {
			return nil, bridge.NewError(bridge.CodeSessionEnded, "")
		}
		e := want
		switch done, renew, err := f.reservedAlready(want, now, s.cfg.ReservationTTL); {
		case renew:
			return &e, nil
		case done || err != nil:
			return nil, err
		}
		p, err := f.party(want.UserID)
		if err != nil {
			return nil, err
		}
		limits := s.limits(f, p, want.Key, now)
		e.Other = p.UserType != bridge.Client
		if err := limits.Check(want.Name, want.Size); err != nil || e.Other && !limits.Counted() {
			return nil, err
		}
		if err := f.checkReleased(e.Other, limits, want.Size, now); err != nil {
			return nil, err
		}
		if err := s.afford(f, p); err != nil {
			return nil, err
		}
		return &e, nil
	})
	return err
}

// Release ends a reservation. If the party has no reservation of that key, Release
// does nothing. The party may have left, and the session may have ended.
func (s *Server) Release(ctx context.Context, session, userID, key string) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	_, err = s.change(ctx, r, func(f *fold, now int64) (*logEntry, error) {
		held, ok := f.held(key, now, s.cfg.ReservationTTL)
		if !ok || held.userID != userID || f.ended(now, s.cfg.Retention) {
			return nil, nil
		}
		return &logEntry{Kind: isRelease, UserID: userID, Key: key, Other: held.other}, nil
	})
	return err
}

// Attempt charges a customer one download of the file. The same key and file again is
// free, as is every download of other parties. Codes: file-unknown, downloads-used-up,
// not-joined, session-ended, message-invalid.
func (s *Server) Attempt(ctx context.Context, session, userID, key, fileID string) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	if !validKey(key) {
		return badKey()
	}
	_, err = s.change(ctx, r, func(f *fold, now int64) (*logEntry, error) {
		return s.attemptEntry(f, attempt{userID, key, fileID}, now)
	})
	return err
}

func (s *Server) attemptEntry(f *fold, a attempt, now int64) (*logEntry, error) {
	p, err := s.member(f, a.userID, now)
	if err != nil {
		return nil, err
	}
	if _, err := f.file(p, a.fileID); err != nil {
		return nil, err
	}
	if _, charged := f.attempts[a]; charged || p.UserType != bridge.Client {
		return nil, nil
	}
	limits := s.limits(f, p, "", now)
	if limits.MaxDownloads != bridge.NoLimit && limits.UsedDownloads >= limits.MaxDownloads {
		return nil, bridge.NewError(bridge.CodeDownloads, "this chat allows "+strconv.FormatInt(limits.MaxDownloads, 10)+" downloads, and all are used")
	}
	if err := s.afford(f, p); err != nil {
		return nil, err
	}
	return &logEntry{Kind: isAttempt, UserID: a.userID, Key: a.key, FileID: a.fileID}, nil
}
