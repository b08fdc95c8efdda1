package proxy_test

import (
	"bytes"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

func TestT1OnlyListedOriginsConnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := origin
	host := strings.TrimPrefix(good, "https://")
	refused := [][]string{
		nil, {""}, {"null"}, {good, good}, {good, "https://evil.example"},
		{"http://" + host}, {"ftp://" + host}, {"ws://" + host}, {"wss://" + host}, {host}, {"//" + host},
		{good + "/"}, {good + "/x"}, {good + "?"}, {good + "#"}, {good + ":443"}, {good + ":8443"}, {good + "."},
		{good + ".evil.example"}, {"https://evil." + host}, {"https://evil-" + host}, {"https://" + host[1:]},
		{"https://user@" + host}, {"https://user:pw@" + host}, {"https://" + host + "@evil.example"},
		{strings.ToUpper(good)}, {"HTTPS://" + host}, {good + "\u00a0"},
		{good + "," + good}, {good + " https://evil.example"}, {"https://xn--dsk-lma.example"}, {"https://dėsk.example"},
		{"https://127.0.0.1"}, {"http://127.0.0.1"}, {"http://localhost"}, {w.Server.URL}, {"https://evil.example"},
		{"file://"}, {"data:text/html,x"}, {"about:blank"}, {"blob:" + good}, {"chrome-extension://abc"}, {"*"}, {"https://*"},
		{"https://"}, {"https:"}, {"https://" + strings.Repeat("a", 4000)}, {"https://desk.example%00.evil.example"},
		{"https://desk.example%2eevil"}, {"https://[::1]"}, {"https://desk。example"}, {"javascript:0"},
		{"https://desk.example\\evil"}, {"https:/" + host}, {"https:\\\\" + host}, {"https://desk.example;evil"}, {"https://desk.example&evil"},
	}
	require.Greater(t, len(refused), 50)
	for _, path := range []string{bridge.PathChat, bridge.PathData} {
		for _, origin := range refused {
			conn, res, err := w.dial(path, http.Header{"Origin": origin})
			if err == nil {
				conn.CloseNow()
			}
			require.Error(t, err, "origin %q was let in", origin)
			require.Equal(t, http.StatusForbidden, res.StatusCode, "origin %q", origin)
		}
		conn, _, err := w.dial(path, http.Header{"Origin": {good}})
		require.NoError(t, err)
		conn.CloseNow()
	}
}

func TestFirstMessageMustBeAHello(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hello := func(token string) string { return string(bridge.AppendMessage(nil, &bridge.Hello{Token: token})) }
	tests := []struct {
		name, text string
		code       bridge.Code
	}{
		{"T4 forged token", hello(w.agent[:len(w.agent)-3] + "abc"), bridge.CodeTokenInvalid},
		{"T4 garbage token", hello("abc"), bridge.CodeTokenInvalid},
		{"T4 a ticket instead", hello(w.signTicket()), bridge.CodeTokenInvalid},
		{"expired token", hello(w.expiredToken()), bridge.CodeTokenExpired},
		{"T5 not a hello", `{"type":"ping","ref":1}`, bridge.CodeMessage},
		{"T9 unknown key", `{"type":"hello","token":"x","admin":true}`, bridge.CodeMessage},
		{"T9 duplicate key", `{"type":"hello","token":"x","token":"y"}`, bridge.CodeMessage},
		{"T8 no UTF-8", "{\"type\":\"hello\",\"token\":\"\xff\"}", bridge.CodeMessage},
		{"no JSON", "hello", bridge.CodeMessage},
		{"an unknown version", `{"type":"hello","token":"` + w.agent + `","clientVersion":7}`, bridge.CodeVersion},
	}
	hasty := w.another(func(c *proxy.Config) { c.HelloTimeout = 100 * time.Millisecond })
	for _, path := range []string{bridge.PathChat, bridge.PathData} {
		for _, tt := range tests {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				p := w.open(path)
				p.sendText(tt.text)
				require.Equal(t, tt.code, p.refused())
				_, err := p.read()
				require.Error(t, err, "the socket is closed")
			})
		}
		t.Run(path+" T5 longer than a hello may be", func(t *testing.T) {
			p := w.open(path)
			p.sendText(hello(strings.Repeat("x", bridge.MaxHello)))
			for {
				if _, err := p.read(); err != nil {
					break
				}
			}
		})
		t.Run(path+" T5 silence", func(t *testing.T) {
			p := hasty.open(path)
			require.Equal(t, bridge.CodeTimeout, p.refused())
		})
	}
}

// A socket's rights end with its token, and the page comes back with a new one.
func TestT4SocketsEndWithTheirToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	witness, _ := w.join(w.customer)
	brief := w.mint("s1", "alice", bridge.Agent, bridge.AllRights, -25*time.Second) // within the time by which clocks may differ
	chat, _ := w.join(brief)
	for _, p := range []*page{chat, w.data(brief)} {
		require.Equal(t, bridge.CodeTokenExpired, p.refused())
		require.Equal(t, websocket.StatusPolicyViolation, p.closed())
	}
	w.join(w.agent)
	w.data(w.agent)
	witness.send(&bridge.Ping{Ref: 1})
	await(witness, func(m *bridge.Done) bool { return m.Ref == 1 })
}

func TestT5WaitingSocketsOfAnAddressAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var open []*page
	for range maxWaitingAddress {
		open = append(open, w.open(bridge.PathChat))
	}
	_, res, err := w.dial(bridge.PathChat, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	open[0].send(&bridge.Hello{Token: w.agent})
	await(open[0], anything[*bridge.Welcome])
	w.join(w.customer) // an authenticated party does not count
}

// One stranger that connects through the reverse proxy keeps no other client out.
func TestT5WaitingSocketsAreCountedBehindAReverseProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dial := func(from string) (*websocket.Conn, *http.Response, error) {
		return w.dial(bridge.PathChat, http.Header{"Origin": {origin}, "X-Forwarded-For": {from}})
	}
	for range maxWaitingAddress {
		conn, _, err := dial("203.0.113.9")
		require.NoError(t, err)
		defer conn.CloseNow()
	}
	_, res, err := dial("203.0.113.9")
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	conn, _, err := dial("198.51.100.1")
	require.NoError(t, err)
	conn.CloseNow()
}

func TestT9InvalidMessagesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.join(w.agent)
	for _, text := range []string{
		`{"type":"say","ref":1,"key":"0","text":"x","extra":1}`, `{"type":"say","ref":1,"ref":2,"text":"x"}`,
		`{"type":"offer","key":"0","name":"a","size":-1}`, `{"type":"offer","key":"0","name":"a","size":1.5}`,
		`{"type":"offer","key":"0","name":"a","size":9007199254740992}`, `{"type":"nonsense"}`, `{}`, `[]`, `{"ref":1,"type":"ping"}`,
		`{"type":"ping","ref":"1"}`, `{"type":"welcome"}`,
	} {
		p.sendText(text)
		require.Equal(t, bridge.CodeMessage, p.refused(), text)
	}
	p.send(&bridge.Ping{Ref: 9})
	await(p, func(m *bridge.Done) bool { return m.Ref == 9 })
}

// The page then fails that request, which would otherwise wait for an answer.
func TestInvalidRequestIsAnsweredWithItsRef(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.join(w.agent)
	for text, ref := range map[string]int64{
		`{"type":"say","ref":7,"key":"0","text":"x","extra":1}`: 7,
		`{"type":"notify","ref":8,"notice":""}`:                 8,
		`{"type":"find","words":5,"ref":9}`:                     9,
		`{"type":"find","ref":"9"}`:                             0,
		`{"type":"nonsense","ref":9}`:                           0,
	} {
		p.sendText(text)
		m := await(p, anything[*bridge.Fail])
		require.Equal(t, bridge.CodeMessage, m.Error.Code, text)
		require.Equal(t, ref, m.Ref, text)
	}
}

func TestTooLongMessageIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.join(w.agent)
	p.sendText(strings.Repeat(" ", bridge.MaxMessage+1))
	require.Equal(t, bridge.CodeMessageSize, p.refused())
	p, _ = w.join(w.agent)
	p.send(&bridge.Say{Ref: 1, Key: newKey(), Text: strings.Repeat("x", bridge.MaxText)})
	await(p, func(m *bridge.Done) bool { return m.Ref == 1 })
}

func TestT12CompressionIsNotNegotiated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, offer := range []string{"permessage-deflate", "permessage-deflate; client_max_window_bits", "permessage-deflate; server_no_context_takeover", "x-webkit-deflate-frame"} {
		conn, res, err := w.dial(bridge.PathChat, http.Header{"Origin": {origin}, "Sec-WebSocket-Extensions": {offer}})
		require.NoError(t, err)
		require.Empty(t, res.Header.Get("Sec-WebSocket-Extensions"))
		conn.CloseNow()
	}
}

func TestT2TokenInTheURLIsNoHello(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.open(bridge.PathChat + "?token=" + w.agent)
	p.send(&bridge.Ping{Ref: 1})
	require.Equal(t, bridge.CodeMessage, p.refused(), "a token in the URL is not a hello")
	require.NotContains(t, w.Log.String(), w.agent)
}

// Each ping costs a write, and each empty piece a read; both are bounded by number.
func TestT6FloodEndsItsSocketOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.HelloTimeout, c.MessageTimeout = 2*wait, 2*wait })
	for name, c := range map[string]struct{ begin, again []byte }{
		"pings":        {nil, []byte{0x89, 0x80, 0, 0, 0, 0}},
		"pongs":        {nil, []byte{0x8a, 0x80, 0, 0, 0, 0}},
		"empty pieces": {[]byte{0x01, 0x81, 0, 0, 0, 0, '{'}, []byte{0x00, 0x80, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			for who, hello := range map[string][]byte{
				"a page":     maskedText(bridge.AppendMessage(nil, &bridge.Hello{Token: w.agent})),
				"a stranger": nil,
			} {
				raw := w.raw()
				defer raw.Close()
				raw.Write(slices.Concat(hello, c.begin))
				go func() {
					for flood := bytes.Repeat(c.again, 1000); ; {
						if _, err := raw.Write(flood); err != nil {
							return
						}
					}
				}()
				witness, _ := w.join(w.customer)
				witness.send(&bridge.Ping{Ref: 1})
				await(witness, func(m *bridge.Done) bool { return m.Ref == 1 })
				// Bytes still in flight turn the close into a reset, which may overtake the reason.
				ends := []websocket.StatusCode{websocket.StatusPolicyViolation, websocket.StatusAbnormalClosure}
				require.Contains(t, ends, rawClosed(t, raw), who)
			}
		})
	}
}

// One byte of a message arrives for each answer that another page gets.
func TestT6MessageThatDripsIsTimedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.MessageTimeout = wait / 100 })
	witness, _ := w.join(w.customer)
	raw := w.raw()
	defer raw.Close()
	raw.Write(maskedText(bridge.AppendMessage(nil, &bridge.Hello{Token: w.agent})))
	raw.Write(maskedText(bytes.Repeat([]byte{' '}, bridge.MaxMessage))[:8])
	closed := make(chan websocket.StatusCode, 1)
	go func() { closed <- rawClosed(t, raw) }()
	for ref := int64(1); ; ref++ {
		select {
		case code := <-closed:
			require.Equal(t, websocket.StatusPolicyViolation, code)
			require.Greater(t, ref, int64(2), "bytes came meanwhile")
			return
		default:
		}
		raw.Write([]byte{' '})
		witness.send(&bridge.Ping{Ref: ref})
		await(witness, func(m *bridge.Done) bool { return m.Ref == ref })
	}
}

func TestLeaveEndsThePartyOrTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	customer, _ := w.join(w.customer)
	customer.send(&bridge.Leave{Ref: 1})
	await(customer, func(m *bridge.Done) bool { return m.Ref == 1 })
	left := await(agent, func(m *bridge.EventAdded) bool { return m.Event.Type == bridge.PartyLeft })
	require.Equal(t, "carol", left.Event.From.UserID)
	require.EqualValues(t, 0, left.Event.Reason.Code)
	require.Equal(t, websocket.StatusNormalClosure, customer.closed())

	agent.send(&bridge.Leave{Ref: 2, After: bridge.ForceClose})
	await(agent, func(m *bridge.Done) bool { return m.Ref == 2 })
	p := w.open(bridge.PathChat)
	p.send(&bridge.Hello{Token: w.customer})
	require.Equal(t, bridge.CodeSessionEnded, p.refused())
}

func TestReconnectResumesFromAPosition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	for i := range 5 {
		agent.send(&bridge.Say{Ref: int64(i + 1), Key: newKey(), Text: "hello"})
	}
	last := await(agent, func(m *bridge.Done) bool { return m.Ref == 3 }).Event.ID
	p := w.open(bridge.PathChat)
	p.send(&bridge.Hello{Token: w.agent, Position: last})
	await(p, anything[*bridge.Welcome])
	require.Greater(t, await(p, anything[*bridge.EventAdded]).Event.ID, last)
}

func TestDrainSendsPagesAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	done := make(chan error, 1)
	go func() { done <- w.Proxy.Drain(t.Context()) }()
	bye := await(agent, anything[*bridge.Bye])
	require.Positive(t, bye.After)
	require.Equal(t, websocket.StatusServiceRestart, agent.closed())
	require.NoError(t, <-done)
	_, res, err := w.dial(bridge.PathChat, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
}

// A page that is still authenticating when the drain begins is sent a time to come back
// too.
func TestDrainReachesASocketBeforeItsHello(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	late := w.open(bridge.PathChat)
	done := make(chan error, 1)
	go func() { done <- w.Proxy.Drain(t.Context()) }()
	pollUntil(func() bool { _, _, err := w.dial(bridge.PathChat, nil); return err != nil })
	late.send(&bridge.Hello{Token: w.agent})
	bye, ok := late.next().(*bridge.Bye)
	require.True(t, ok, "a bye and nothing else")
	require.Positive(t, bye.After)
	require.Equal(t, websocket.StatusServiceRestart, late.closed())
	require.NoError(t, <-done)
}

// Data sockets that wait for a frame hold no memory for one.
func TestIdleDataSocketsHoldNoFrameBuffer(t *testing.T) {
	const sockets = 64
	w := newWorld(t, func(c *proxy.Config) { c.MaxSockets = sockets + 1 })
	w.join(w.agent)
	w.data(w.agent)
	before := heap()
	for range sockets {
		w.data(w.agent)
	}
	require.Less(t, heap()-before, int64(sockets*bridge.MaxFrame/4))
}

// heap is the memory in use, without the pools'.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
