package proxy_test

import (
	"bytes"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// H3: a flood costs its socket, and no goroutine for each of its frames. Its party waits
// before it is served again, and no other party does.
func TestH3FloodCostsNoGoroutinesAndItsPartyWaits(t *testing.T) {
	w := newWorld(t, func(c *proxy.Config) { c.HelloTimeout = 500 * time.Millisecond })
	witness, _ := w.join(w.customer)
	for name, more := range map[string][]byte{"pings": {0x89, 0x80, 0, 0, 0, 0}, "pongs": {0x8a, 0x80, 0, 0, 0, 0}} {
		t.Run(name, func(t *testing.T) {
			token := w.Token("s1", "flooder-"+name, bridge.Agent, bridge.AllRights...)
			before := runtime.NumGoroutine()
			raw := w.raw()
			defer raw.Close()
			raw.Write(maskedText(bridge.AppendMessage(nil, &bridge.Hello{Token: token})))
			most := 0
			for flood := bytes.Repeat(more, 2000); ; {
				_, err := raw.Write(flood)
				most = max(most, runtime.NumGoroutine()-before)
				if err != nil {
					break
				}
			}
			require.Less(t, most, 50)
			pollUntil(func() bool {
				p := w.open(bridge.PathChat)
				p.send(&bridge.Hello{Token: token})
				m, err := p.read()
				fail, refused := m.(*bridge.Fail)
				return err == nil && refused && fail.Error.Code == bridge.CodeBusy
			})
		})
	}
	witness.send(&bridge.Ping{Ref: 1})
	await(witness, func(m *bridge.Done) bool { return m.Ref == 1 })
}

// H4: a party has a bounded number of sockets of each kind, and the next one is refused.
// The sockets of one party do not count for another.
func TestH4SocketsOfOnePartyAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.MaxSockets = 3 })
	var open []*page
	for range 3 {
		p, _ := w.join(w.agent)
		open = append(open, p)
		w.data(w.agent)
	}
	for _, path := range []string{bridge.PathChat, bridge.PathData} {
		p := w.open(path)
		p.send(&bridge.Hello{Token: w.agent})
		m, ok := p.next().(*bridge.Fail)
		require.True(t, ok)
		require.Equal(t, bridge.CodeBusy, m.Error.Code)
		require.True(t, m.Error.Retry)
	}
	w.join(w.customer)
	open[0].conn.CloseNow()
	pollUntil(func() bool {
		p := w.open(bridge.PathChat)
		p.send(&bridge.Hello{Token: w.agent})
		m, err := p.read()
		_, in := m.(*bridge.Welcome)
		return err == nil && in
	})
}

// M3: a stranger's socket stops counting when its time is over, however long the stranger
// takes to answer the close.
func TestM3SilentSocketIsClosedAfterHelloTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.HelloTimeout, c.MaxWaitingAddress = 300*time.Millisecond, 1 })
	raw := w.raw() // never answers
	defer raw.Close()
	_, err := raw.Read(make([]byte, 1)) // the refusal
	require.NoError(t, err)
	conn, _, err := w.dial(bridge.PathChat, nil)
	require.NoError(t, err)
	conn.CloseNow()
}

// M3: at the total the socket that has waited longest is cut, and the new one admitted.
func TestM3OldestWaitingSocketIsClosedForANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.MaxWaiting, c.MaxWaitingAddress = 4, 4 })
	dial := func(from string) *page {
		conn, _, err := w.dial(bridge.PathChat, http.Header{"Origin": {origin}, "X-Forwarded-For": {from}})
		require.NoError(t, err)
		t.Cleanup(func() { conn.CloseNow() })
		return &page{t, conn}
	}
	first := dial("203.0.113.1")
	for _, from := range []string{"203.0.113.2", "203.0.113.3", "203.0.113.4"} {
		dial(from)
	}
	newcomer := dial("198.51.100.1")
	_, err := first.read()
	require.Error(t, err, "the oldest is closed")
	newcomer.send(&bridge.Hello{Token: w.agent})
	await(newcomer, anything[*bridge.Welcome])
}

// M4: history that a party is sent again and again is rate limited over all its sockets;
// live events are not.
func TestM4ReplayedHistoryIsRateLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.HistoryRate, c.HistoryBurst = 1.0/3600, 8*512 })
	talker, _ := w.join(w.customer)
	say(talker, 20)
	for range 20 {
		await(talker, anything[*bridge.Done])
	}
	again, welcome := w.join(w.agent)
	for n := range 8 {
		m := await(again, anything[*bridge.EventAdded])
		require.LessOrEqual(t, m.Event.ID, welcome.Position, n)
	}
	p := w.open(bridge.PathChat)
	p.send(&bridge.Hello{Token: w.agent, Position: welcome.Position})
	await(p, anything[*bridge.Welcome])
	say(talker, 1)
	happened := await(p, anything[*bridge.EventAdded])
	require.Greater(t, happened.Event.ID, welcome.Position)
	again.send(&bridge.Ping{Ref: 7})
	for {
		m := again.next()
		if done, ok := m.(*bridge.Done); ok && done.Ref == 7 {
			break
		}
		_, more := m.(*bridge.EventAdded)
		require.False(t, more, "the rest of the history waits")
	}
}
