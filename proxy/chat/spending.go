package chat

import "attache/bridge"

// An entry's cost beyond its own bytes, roughly: the store's framing and index, and
// for an abandoned upload or a deleted file its record, its leases and its audit line.
const (
	entryCost   = 512
	abandonCost = 8 << 10
)

// spend charges an entry to the party that caused it.
func (f *fold) spend(e *logEntry) {
	cost := int64(e.cost) + entryCost
	user, customer := e.UserID, !e.Other
	switch e.Kind {
	case isIdle:
		return
	case isActive, isAttach:
		customer = f.present[user].UserType == bridge.Client
	case isRelease:
		cost += abandonCost
	case isEvent:
		if e.isDeletion() {
			cost += abandonCost
		}
	}
	if e.Event != nil {
		user, customer = e.Event.From.UserID, e.Event.From.UserType == bridge.Client
	}
	f.spent[user] += cost
	if customer {
		f.spentCustomers += cost
	} else {
		f.spentOthers += cost
	}
}

// afford fails if p may add nothing more to the log: with code chat-full, or for a
// customer storage-full if the store lacks the disk space for its text.
func (s *Server) afford(f *fold, p bridge.Party) error {
	return s.within(f, p, s.textOf(p))
}

// affordJoin lets a party that has used up its bound come back, to read.
func (s *Server) affordJoin(f *fold, p bridge.Party) error {
	bound := s.textOf(p)
	if bound != bridge.NoLimit {
		bound += bound / 4
	}
	return s.within(f, p, bound)
}

func (s *Server) textOf(p bridge.Party) int64 {
	if p.UserType == bridge.Client {
		return s.cfg.CustomerText
	}
	return s.cfg.AgentText
}

func (s *Server) within(f *fold, p bridge.Party, bound int64) error {
	together := f.spentOthers
	if p.UserType == bridge.Client {
		together = f.spentCustomers
		switch err := s.cfg.AdmitText(); {
		case bridge.CodeOf(err) == bridge.CodeStorageFull:
			return bridge.NewError(bridge.CodeStorageFull, "the store is nearly full, and the rest is reserved for agents")
		case err != nil:
			return err
		}
	}
	if bound != bridge.NoLimit && (f.spent[p.UserID] >= bound || together >= 2*bound) {
		return bridge.NewError(bridge.CodeChatFull, "")
	}
	return nil
}
