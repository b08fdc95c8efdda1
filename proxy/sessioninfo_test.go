package proxy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/chat"
)

// C14: a page that is connected learns that a session is monitored, and when it expires, as one
// that connects then does; of three pages of one party each learns what its version knows.
func TestSessionInfoIsPushed(t *testing.T) {
	t.Parallel()
	const idle = time.Hour
	w := newWorldWith(t, func(o *assembly.Options) {
		o.Chat = chat.Options{Idle: chat.IdleControl{Enabled: true, Alert: idle, Close: time.Minute}}
	})
	enter := func(user string, kind bridge.UserType, v bridge.Visibility, version int64) (*page, *bridge.Welcome) {
		return w.join(w.Sign(proxy.Identity{
			Session: "s1", Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour),
			Party: bridge.Party{UserID: user, Nickname: user, UserType: kind, Visibility: v, ClientVersion: version},
		}))
	}
	old, welcome := enter("ada", bridge.Agent, bridge.All, bridge.VersionIdleControl-1)
	require.Zero(t, welcome.IdleExpires)
	idler, _ := enter("ada", bridge.Agent, bridge.All, bridge.VersionMonitored-1)
	agent, _ := enter("ada", bridge.Agent, bridge.All, bridge.VersionCurrent)
	customer, welcome := enter("carol", bridge.Client, bridge.All, bridge.VersionCurrent)
	require.False(t, welcome.Monitored)

	hidden, _ := enter("vic", bridge.Supervisor, bridge.Vip, bridge.VersionCurrent)
	require.NotZero(t, await(agent, func(m *bridge.SessionChanged) bool { return m.Monitored }).IdleExpires)

	// Activity of a millisecond of its own, which everybody can tell from what was before.
	expires, joined := int64(0), time.Now().UnixMilli()
	for ref := int64(1); expires == 0; ref++ {
		customer.send(&bridge.Say{Ref: ref, Key: newKey(), Text: "hello"})
		said := await(customer, func(m *bridge.Done) bool { return m.Ref == ref }).Event
		if said.At > joined {
			expires = said.At + (idle + time.Minute).Milliseconds()
		}
	}
	moved := func(m *bridge.SessionChanged) bool { return m.IdleExpires == expires }
	require.True(t, await(agent, moved).Monitored)
	customer.send(&bridge.Say{Ref: 1000, Key: newKey(), Text: "again"})
	for _, p := range []*page{customer, idler} {
		await(p, func(m *bridge.SessionChanged) bool {
			require.False(t, m.Monitored)
			return m.IdleExpires >= expires
		})
	}
	hidden.send(&bridge.Leave{Ref: 1})
	await(agent, func(m *bridge.SessionChanged) bool { return !m.Monitored })

	old.send(&bridge.Ping{Ref: 7})
	for {
		m := old.next()
		_, changed := m.(*bridge.SessionChanged)
		require.False(t, changed, "it knows neither")
		if done, ok := m.(*bridge.Done); ok && done.Ref == 7 {
			break
		}
	}
}
