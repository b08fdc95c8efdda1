package chat

import (
	"time"

	"attache/bridge"
)

// activeEvery is how often activity that has no event is written to the log at most.
const activeEvery = 20 * time.Second

// Active notes that bytes of the party's upload arrive, which keeps an idle session open
// unless the options say otherwise. It does not block, and may be called for each frame.
func (s *Server) Active(session, userID string) {
	if r := s.lobby.find(session); r != nil {
		s.noteActivity(r, userID, "upload")
	}
}

// ClosesIdle reports whether idle control is on.
func (s *Server) ClosesIdle() bool { return s.cfg.Idle.Enabled }

// noteActivity appends an entry for activity that has none of its own, so that all proxies
// know of it; at most one in a while, and only if it counts.
func (s *Server) noteActivity(r *room, userID, name string) {
	c := s.cfg.Idle
	if !c.Enabled || !c.counts(activityNames[name]) || s.following.Err() != nil {
		return
	}
	decide := func(f *fold, now int64) (*logEntry, error) {
		p, err := s.member(f, userID, now)
		if err != nil || now-c.last(f).at < min(activeEvery, c.Alert/4).Milliseconds() || s.afford(f, p) != nil {
			return nil, nil
		}
		return &logEntry{Kind: isActive, UserID: userID, Activity: name}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, _ := decide(&r.fold, max(s.now(), r.fold.at)); e == nil || r.noting {
		return
	}
	r.noting = true
	s.done.Go(func() {
		if _, err := s.change(s.following, r, decide); err != nil {
			s.cfg.Log.Debug("a party's activity was not noted", "session", r.session, "error", err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.noting = false
	})
}

// noticeName is the name of the activity that a transient notice is.
func noticeName(e bridge.Event) string {
	if noticeActivity(e) == byTyping {
		return "typing"
	}
	return "notice"
}
