package cli

import "attache/bridge"

// textFlags bound what a session's log may come to. They are our own Chat Server's:
// where it is elsewhere, that one has its own.
type textFlags struct {
	CustomerMaxText int64 `default:"4194304" help:"bytes that one customer may add to a session's transcript, with 512 more for each entry; all customers together twice that; -1 for no limit" group:"customers"`
	AgentMaxText    int64 `default:"67108864" help:"bytes that any other party may add to it; all of them together twice that; -1 for no limit" group:"agents"`
}

// leastText is enough for a party to join, say something and leave.
const leastText = 64 << 10

func (f textFlags) check(m *mistakes) {
	m.text("--customer-max-text", f.CustomerMaxText)
	m.text("--agent-max-text", f.AgentMaxText)
}

func (m *mistakes) text(flag string, n int64) {
	if n != bridge.NoLimit && (n < leastText || n > bridge.MaxInteger) {
		m.add("%s=%d: give a number of bytes from %d to 2^53-1, or -1 for no limit", flag, n, leastText)
	}
}
