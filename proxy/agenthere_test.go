package proxy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// A page never counts agents itself: the welcome says whether one is there, and a change
// of the limits follows when one that the party may see comes or leaves.
func TestAgentHereIsSentToEveryParty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, welcome := w.join(w.customer)
	require.False(t, welcome.Limits.AgentHere)
	_, welcome = w.join(w.Token("s1", "bot", bridge.System, bridge.AllRights...))
	require.False(t, welcome.Limits.AgentHere)
	agent, welcome := w.join(w.agent)
	require.True(t, welcome.Limits.AgentHere, "an agent is one itself")
	await(customer, func(m *bridge.LimitsChanged) bool { return m.Limits.AgentHere })
	_, welcome = w.join(w.Token("s1", "late", bridge.System, bridge.AllRights...))
	require.True(t, welcome.Limits.AgentHere)
	agent.send(&bridge.Leave{Ref: 1})
	await(customer, func(m *bridge.LimitsChanged) bool { return !m.Limits.AgentHere })
}
