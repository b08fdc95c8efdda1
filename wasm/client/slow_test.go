package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// slowly plays the proxy's side of a data socket whose hello took that long.
func (w *world) slowly(took time.Duration) *socketDouble {
	w.Helper()
	d := w.last()
	d.open()
	d.hello()
	w.pass(took)
	d.push(&bridge.Ready{MaxFrame: bridge.MaxFrame})
	return d
}

// On a line of 16 kbit/s a ping waits for frames to pass, longer than on an
// idle one. The chat stays connected as long as the data socket receives something.
func TestB54PingWaitsForFrames(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(100<<10))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d := w.slowly(400 * time.Millisecond)
	s.sent()
	for stored := 0; stored < len(f.content); {
		for f.length > 0 {
			f.fill()
		}
		n := len(d.store(key, stored))
		require.LessOrEqual(t, n, 10_000, "no frame takes longer than 5 s")
		w.pass(time.Duration(n) * time.Second / 2000)
		stored += n
		d.ack(key, stored)
		if len(s.texts) > 0 && w.at > 50*time.Second {
			s.push(&bridge.Done{}) // the answers, half a minute late
		}
	}
	require.Len(t, w.sockets, 2)
	require.Empty(t, w.words(WordState, WordClosed))
}

// A line that lets a burst pass looks fast until the first frame: 256 KiB may be
// on it for two minutes then, and neither end gives up.
func TestB54LargeFrameOnASlowLinkIsWaitedFor(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(240<<10))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d := w.slowly(200 * time.Microsecond)
	f.fill()
	require.Equal(t, 240<<10, len(d.store(key, 0)), "one frame")
	w.pass(2 * time.Minute)
	require.Len(t, w.sockets, 2)
	d.ack(key, 240<<10)
	s.push(&bridge.Done{})
	require.Empty(t, w.words(WordState, WordClosed))
}

// The next connection after one that carried no frame begins with the smallest frame,
// however fast its hello was.
func TestB54FastHelloProvesNothingAfterACut(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(240<<10))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d := w.slowly(200 * time.Microsecond)
	f.fill()
	d.cut()
	w.pass(time.Second)
	d = w.slowly(200 * time.Microsecond)
	s.push(&bridge.Accept{Key: key})
	f.fill()
	require.Equal(t, bridge.MinFrame, len(d.store(key, 0)))
}
