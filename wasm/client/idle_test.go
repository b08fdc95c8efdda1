package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// B69: a reverse proxy ends sockets that are quiet for 5 s. The page notices, and
// makes the proxy ping sooner.
func TestB69IdleLimitIsLearned(t *testing.T) {
	const s = time.Second
	for name, test := range map[string]struct {
		spans []time.Duration // how long the chat's sockets are quiet before they end
		want  []int64         // the ping that the hellos after them ask for, in milliseconds
	}{
		"twice the same":            {[]time.Duration{5 * s, 5*s + 20*time.Millisecond}, []int64{0, 3000}},
		"a little apart":            {[]time.Duration{10 * s, 11 * s}, []int64{0, 6000}},
		"very short":                {[]time.Duration{2 * s, 2 * s}, []int64{0, 2000}},
		"the line is bad":           {[]time.Duration{5 * s, 9 * s, 3 * s, 14 * s}, []int64{0, 0, 0, 0}},
		"another one between":       {[]time.Duration{5 * s, 12 * s, 5 * s}, []int64{0, 0, 0}},
		"cut at once":               {[]time.Duration{0, 0, time.Second, time.Second}, []int64{0, 0, 0, 0}},
		"remembered":                {[]time.Duration{5 * s, 5 * s, 9 * time.Minute}, []int64{0, 3000, 3000}},
		"forgotten":                 {[]time.Duration{5 * s, 5 * s, 11 * time.Minute}, []int64{0, 3000, 0}},
		"forgotten and found again": {[]time.Duration{5 * s, 5 * s, 11 * time.Minute, 7 * s, 7 * s}, []int64{0, 3000, 0, 0, 4200}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			socket := w.connected()
			var got []int64
			for _, span := range test.spans {
				for ; span > 14*s; span -= 14 * s {
					w.pass(14 * s)
					socket.push(&bridge.Done{})
				}
				w.pass(span)
				socket.cut()
				dialed := len(w.sockets)
				for len(w.sockets) == dialed {
					w.pass(100 * time.Millisecond)
				}
				socket = w.last()
				socket.open()
				got = append(got, socket.hello().Ping)
				socket.push(welcome())
			}
			require.Equal(t, test.want, got)
		})
	}
}

// One cut of the network is one reason, however many sockets it ends; and the data
// socket asks for the same as the chat's.
func TestB69IdleLimitHoldsForBothSockets(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(10))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d := w.ready()
	d.transfer(f, key, 0, 10)
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	w.pass(5 * time.Second)
	d.cut()
	s.cut()
	w.pass(time.Second)
	s = w.last()
	s.open()
	require.Zero(t, s.hello().Ping, "once")
	s.push(welcome())
	s.sent()
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	w.pass(5 * time.Second)
	s.cut()
	w.pass(time.Second)
	s = w.last()
	s.open()
	require.EqualValues(t, 3000, s.hello().Ping)
	s.push(welcome())
	w.newFile(2, content(10)).upload("abababababababababababababababab", "b.bin")
	d = w.last()
	d.open()
	require.EqualValues(t, 3000, d.hello().Ping)
}
