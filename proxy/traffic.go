package proxy

import "strings"

// Traffic is what goes through one proxy: who is connected to it now, and how
// many bytes of files have crossed it since it began.
type Traffic struct {
	ChatSockets int   // of pages whose token was believed
	Parties     int   // that have at least one of them
	Sessions    int   // that these parties are in
	Up          int64 // bytes made durable
	Down        int64 // bytes of downloads handed to their connections
}

// Traffic counts the sockets anew; it is for a look now and then.
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
			continue // its time to come back is running
		}
		session, _, _ := strings.Cut(key, "/")
		sessions[session] = struct{}{}
		t.ChatSockets += s.sockets
		t.Parties++
	}
	t.Sessions = len(sessions)
	return t
}
