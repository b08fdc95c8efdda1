package main

import "attache/bridge"

// textFlags bound what a session's log may come to. They are our own Chat Server's:
// where it is elsewhere, that one has its own.
type textFlags struct {
	CustomerMaxText int64 `default:"4194304" help:"bytes that one customer may add to a session's transcript, 512 for each entry included, and twice that all of them together; -1 for no bound" group:"customers"`
	AgentMaxText    int64 `default:"67108864" help:"bytes that anybody else may add to it" group:"agents"`
}

// leastText lets a party come, say something and go.
const leastText = 64 << 10

func (f textFlags) check(m *mistakes) {
	m.text("--customer-max-text", f.CustomerMaxText)
	m.text("--agent-max-text", f.AgentMaxText)
}

func (m *mistakes) text(flag string, n int64) {
	if n != bridge.NoLimit && (n < leastText || n > bridge.MaxInteger) {
		m.add("%s=%d: give a number of bytes from %d to 2^53-1, or -1 for no bound", flag, n, leastText)
	}
}
