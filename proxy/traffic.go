package proxy

import "strings"

// Traffic counts the current connections of one proxy, and the bytes of files that it has
// moved since it started.
type Traffic struct {
	ChatSockets int   // of authenticated pages
	Parties     int   // with at least one of them
	Sessions    int   // of these parties
	Up          int64 // bytes of uploads that are durable
	Down        int64 // bytes of downloads written to their connections
}

// Traffic counts the sockets at each call; it is meant for occasional use.
func (p *Proxy) Traffic() Traffic {
	t := p.presence.count()
	t.Up, t.Down = p.transfers.up.Load(), p.transfers.down.Load()
	return t
}

func (p *presence) count() (t Traffic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sessions := map[string]struct{}{}
	for key, s := range p.seats {
		if s.sockets == 0 {
			continue // it may still come back
		}
		session, _, _ := strings.Cut(key, "/")
		sessions[session] = struct{}{}
		t.ChatSockets += s.sockets
		t.Parties++
	}
	t.Sessions = len(sessions)
	return t
}
