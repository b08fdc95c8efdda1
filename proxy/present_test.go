package proxy_test

import (
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// A session's end reaches every page with its reason, at every proxy.
func TestM6SessionEndReachesEveryPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twin := w.another()
	agent, _ := w.join(w.agent)
	pages := map[string]*page{}
	pages["same proxy"], _ = w.join(w.customer)
	pages["another proxy"], _ = twin.join(w.customer)
	agent.send(&bridge.Leave{Ref: 1, After: bridge.ForceClose})
	await(agent, func(m *bridge.Done) bool { return m.Ref == 1 })
	for name, p := range pages {
		require.Equal(t, bridge.CodeSessionEnded, p.refused(), name)
		require.Equal(t, websocket.StatusPolicyViolation, p.closed(), name)
	}
	p := w.open(bridge.PathChat)
	p.send(&bridge.Hello{Token: w.customer})
	require.Equal(t, bridge.CodeSessionEnded, p.refused())
}

// A party that leaves in one tab ends its other ones, with a reason.
func TestM6LeavingInOneTabEndsTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	first, _ := w.join(w.customer)
	second, _ := w.join(w.customer)
	first.send(&bridge.Leave{Ref: 1})
	require.Equal(t, "carol", await(agent, isLeft).Event.From.UserID)
	require.Equal(t, bridge.CodeNotJoined, second.refused())
	require.Equal(t, websocket.StatusNormalClosure, first.closed())
	require.Equal(t, websocket.StatusPolicyViolation, second.closed())
}

// A token alone gives no right to store: data sockets end with the session and with their
// party, and none opens after or without it.
func TestM6T10DataSocketsEndWithTheSession(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		end  func(w *world, customer, agent *page)
		code bridge.Code
	}{
		"an agent closes it": {func(_ *world, _, agent *page) { agent.send(&bridge.Leave{Ref: 1, After: bridge.ForceClose}) }, bridge.CodeSessionEnded},
		"the party leaves":   {func(_ *world, customer, _ *page) { customer.send(&bridge.Leave{Ref: 1}) }, bridge.CodeNotJoined},
		"another page makes the party leave": {func(w *world, _, _ *page) {
			require.NoError(w.t, w.chat.Leave(w.t.Context(), "s1", "carol", proxy.Departure{Reason: bridge.ReasonRemoved, After: bridge.KeepAlive}))
		}, bridge.CodeNotJoined},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			twin := w.another()
			agent, _ := w.join(w.agent)
			customer, _ := w.join(w.customer)
			d, elsewhere := w.data(w.customer), twin.data(w.customer)
			content := random(1000)
			key := newKey()
			customer.send(&bridge.Offer{Key: key, Name: "a.bin", Size: int64(len(content))})
			await(customer, anything[*bridge.Accept])
			d.frame(key, 0, content[:600])
			await(d, anything[*bridge.Ack])
			c.end(w, customer, agent)
			for _, p := range []*page{d, elsewhere} {
				require.Equal(t, c.code, p.refused())
			}
			d.frame(key, 600, content[600:]) // before the closing handshake, as a page that does not listen
			require.Equal(t, websocket.StatusPolicyViolation, d.closed())
			require.Equal(t, websocket.StatusPolicyViolation, elsewhere.closed())
			record, err := w.Records.Get(t.Context(), "s1", key)
			require.NoError(t, err)
			require.True(t, record.State.Incoming() || record.State == bridge.Failed, record.State)

			late := w.open(bridge.PathData)
			late.send(&bridge.Hello{Token: w.customer})
			m, ok := late.next().(*bridge.Fail)
			require.True(t, ok, "no ready")
			require.Equal(t, c.code, m.Error.Code)
		})
	}
}

func TestL4EndingASessionNeedsARight(t *testing.T) {
	t.Parallel()
	for _, after := range []bridge.AfterAction{bridge.ForceClose, bridge.CloseIfNoAgents} {
		w := newWorld(t)
		witness, _ := w.join(w.customer)
		mute, _ := w.join(w.Token("s1", "mute", bridge.Agent, bridge.RightDownload))
		mute.send(&bridge.Leave{Ref: 1, After: after})
		require.Equal(t, bridge.CodeForbidden, await(mute, func(m *bridge.Fail) bool { return m.Ref == 1 }).Error.Code)
		mute.send(&bridge.Leave{Ref: 2, After: bridge.KeepAlive})
		await(mute, func(m *bridge.Done) bool { return m.Ref == 2 })
		witness.send(&bridge.Say{Ref: 1, Key: newKey(), Text: "still here"})
		await(witness, func(m *bridge.Done) bool { return m.Ref == 1 })
	}
}

// L6: a page may be older than its token says, and a token may hide files from it.
func TestL6LowerClientVersionCounts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ token, hello, want int64 }{
		"the token's is lower": {103, 106, 103},
		"the page's is lower":  {106, 103, 103},
		"the page says none":   {103, 0, 103},
		"the token says none":  {0, 104, 104},
		"neither says one":     {0, 0, bridge.VersionDefault},
	}
	w := newWorld(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			user := "v-" + newKey()
			token, err := w.Auth.Mint(proxy.Identity{
				Session: "s1", Party: bridge.Party{UserID: user, UserType: bridge.Agent, ClientVersion: c.token},
				Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour),
			})
			require.NoError(t, err)
			p := w.open(bridge.PathChat)
			p.send(&bridge.Hello{Token: token, ClientVersion: c.hello})
			await(p, anything[*bridge.Welcome])
			event, err := w.chat.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: user, UserType: bridge.Agent}})
			require.NoError(t, err)
			require.Equal(t, c.want, event.Party.ClientVersion)
		})
	}
}
