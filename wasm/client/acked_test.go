package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// The first offer of a page does not know what is durable; each later one carries what
// the proxy has said. After a power failure the proxy may have less or more than that, and
// the upload continues from whatever offset it accepts.
func TestOfferCarriesWhatWasAcked(t *testing.T) {
	const size, acked = 5 << 20, 2 << 20
	for name, offset := range map[string]int{
		"nothing is left": 0, "less is left": 300 << 10, "all is left": acked, "more is there": acked + 1, "all but one byte is there": size - 1,
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			f := w.newFile(1, content(size))
			f.upload(key, "a.bin")
			require.Nil(t, only[*bridge.Offer](s).Acked, "nothing is known before the first answer")
			s.push(&bridge.Accept{Key: key})
			d := w.ready()
			have := 0
			for have < acked {
				if f.length > 0 {
					f.fill()
				}
				have += len(d.store(key, have))
				w.pass(time.Millisecond)
				d.ack(key, have)
			}
			s.sent()
			s.cut()
			w.stall(s, 600*time.Millisecond)
			s = w.last()
			s.open()
			s.hello()
			s.push(welcome())
			require.Equal(t, int64(have), *only[*bridge.Offer](s).Acked)
			w.ready()
			s.push(&bridge.Accept{Key: key, Offset: int64(offset)})
			if f.length > 0 {
				f.fill() // of before the cut
			}
			s.cut()
			w.stall(s, 600*time.Millisecond)
			s = w.last()
			s.open()
			s.hello()
			s.push(welcome())
			require.Equal(t, int64(offset), *only[*bridge.Offer](s).Acked, "the answer counts, even if it is less than what was acked before")
			d = w.ready()
			s.push(&bridge.Accept{Key: key, Offset: int64(offset)})
			if f.length > 0 {
				f.fill()
			}
			d.transfer(f, key, offset, size)
			s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
			states := w.states()
			require.Equal(t, "accepted", states[len(states)-1])
		})
	}
}

// All bytes were acked, but the proxy's disk has lost some before it changed the upload to
// accepted: the page sends them again.
func TestBytesLostAfterTheLastAckAreSentAgain(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(1<<20))
	f.upload(key, "a.bin")
	w.deliver(s, f)
	s.sent()
	s.cut()
	w.stall(s, 600*time.Millisecond)
	s = w.last()
	s.open()
	s.hello()
	s.push(welcome())
	require.Equal(t, int64(1<<20), *only[*bridge.Offer](s).Acked)
	s.push(&bridge.Accept{Key: key, Offset: 1000})
	w.ready().transfer(f, key, 1000, len(f.content))
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	require.Equal(t, []string{"offered", "receiving", "receiving, resumed", "accepted"}, w.states())
}
