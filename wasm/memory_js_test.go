package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// live returns how many bytes of Go's heap are in use.
func live() int64 {
	var m runtime.MemStats
	for range 3 { // finalizers of JavaScript values run in between
		runtime.GC()
		runtime.Gosched()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// R16: WebAssembly memory never shrinks, so memory that a cut leaves in use stays in use.
func TestR16CutsLeaveNothingBehind(t *testing.T) {
	w := newWorld(t)
	s := w.connected()
	f := w.newFile(1, content(8<<20))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d, kept := w.ready(), len(w.release)
	f.fill()
	const warm, cuts = 20, 220
	var before int64
	for i := range cuts {
		if i == warm {
			before = live()
		}
		w.sockets, w.heard = nil, nil
		if i%4 == 0 {
			s.cut()
			// The test itself must release the doubles of closed sockets.
			for _, release := range w.release[kept:] {
				release()
			}
			w.release = w.release[:kept]
			w.call("wake", handle)
			s = w.last()
			s.open()
			s.hello()
			s.push(welcome())
		} else {
			d.cut()
			w.call("wake", handle)
			require.IsType(t, &bridge.Ping{}, s.sent()[0])
			s.push(&bridge.Done{})
		}
		d = w.ready()
		s.sent()
		s.push(&bridge.Accept{Key: key, Offset: int64(i) << 10})
		if f.length > 0 {
			f.fill()
		}
	}
	grown := live() - before
	t.Logf("%d bytes after %d more cuts", grown, cuts-warm)
	require.Less(t, grown, int64(64<<10))
}
