package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"attache/bridge"
)

// slowly is a reader with a rate in bytes a second, in pieces.
type slowly struct {
	left, piece int
	stop        int // of what is left: it brings no more of it
	rate        float64
	cut         atomic.Bool
}

func (s *slowly) Read(p []byte) (int, error) {
	n := min(s.left, s.piece, len(p))
	for s.left <= s.stop && s.left > 0 && !s.cut.Load() {
		time.Sleep(time.Second)
	}
	if n == 0 || s.cut.Load() {
		return 0, io.EOF
	}
	time.Sleep(time.Duration(float64(n) / s.rate * float64(time.Second)))
	s.left -= n
	return n, nil
}

// heard is a connection whose bytes count as they come, and a library that returns only full
// buffers.
type heard struct {
	from io.Reader
	l    *liveness
}

func (h heard) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var got int
		got, err = h.from.Read(p[n:])
		h.l.read(got)
		n += got
	}
	return n, err
}

// B54: a message at the slowest rate arrives whole. T6: a peer that drips is cut, and so is
// one that keeps just above that rate without end.
func TestB54SlowMessageArrivesAndT6DripIsClosed(t *testing.T) {
	for name, c := range map[string]struct {
		from  *slowly
		ended time.Duration // 0: it came whole
	}{
		"the least frame at 16 kbit/s":    {&slowly{left: bridge.MinFrame, piece: 64, rate: 2000}, 0},
		"the least frame at 8 kbit/s":     {&slowly{left: bridge.MinFrame, piece: 64, rate: 1000}, 0},
		"150 KiB at 64 kbit/s":            {&slowly{left: 150 << 10, piece: 1400, rate: 8000}, 0},
		"256 KiB at 16 kbit/s":            {&slowly{left: 256 << 10, piece: 1400, rate: 2000}, 0},
		"a byte a second":                 {&slowly{left: bridge.MaxFrame, piece: 1, rate: 1}, 16 * time.Second},
		"a byte a millisecond":            {&slowly{left: bridge.MaxFrame, piece: 1, rate: 1000}, 135 * time.Second},
		"half a frame, and then nothing":  {&slowly{left: bridge.MaxFrame, stop: 512 << 10, piece: 4096, rate: 20_000}, 41 * time.Second},
		"a frame that stops in its midst": {&slowly{left: 8192, piece: 4096, rate: 1}, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, ended := time.Now(), time.Duration(0)
				ctx, cut := context.WithCancel(t.Context())
				var l liveness
				a := timedReader{Reader: heard{c.from, &l}, within: 15 * time.Second, came: l.came, late: func() {
					ended = time.Since(began)
					cut()
				}}
				stop := a.watch()
				whole := make(chan bool, 1)
				go func() {
					_, err := io.Copy(io.Discard, &a)
					whole <- err == nil
				}()
				select {
				case <-ctx.Done():
				case <-whole:
				}
				stop()
				require.InDelta(t, c.ended, ended, float64(time.Second))
				cut()
				c.from.cut.Store(true)
				time.Sleep(3 * time.Hour) // nothing comes after the end
				require.InDelta(t, c.ended, ended, float64(time.Second))
			})
		})
	}
}

// A peer is gone after a silence, unless much is in flight to it, or another socket of its
// page brings bytes.
func TestB54SilentPeerIsClosed(t *testing.T) {
	for name, c := range map[string]struct {
		owed  int
		quiet time.Duration
		party time.Duration // since one of its sockets brought something; 0: none ever did
		gone  bool
	}{
		"just heard":                         {0, 19 * time.Second, 0, false},
		"silent":                             {0, 21 * time.Second, 0, true},
		"L10 a transcript on its way":        {60_000, 75 * time.Second, 0, false},
		"L10 longer than it takes":           {60_000, 81 * time.Second, 0, true},
		"megabytes written":                  {8 << 20, 141 * time.Second, 0, true},
		"a frame drips in":                   {0, 100 * time.Second, time.Second, false},
		"nor does the other one":             {0, 100 * time.Second, 30 * time.Second, true},
		"always silent beside the other one": {0, 121 * time.Second, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l liveness
				party := &rateLimit{Limiter: rate.NewLimiter(1, 1)}
				l.party.Store(party)
				l.read(1)
				l.wrote(c.owed)
				time.Sleep(c.quiet)
				if c.party > 0 {
					party.heard.Store(now() - int64(c.party))
				}
				require.Equal(t, c.gone, l.gone())
			})
		})
	}
}

// piped is a request whose connection is a pipe.
type piped struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (p piped) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return p.conn, bufio.NewReadWriter(bufio.NewReader(p.conn), bufio.NewWriter(p.conn)), nil
}

// B69: a page may ask for more pings, because something on the path ends quiet sockets.
func TestB69PageSetsThePingInterval(t *testing.T) {
	for name, c := range map[string]struct {
		ask   int64 // milliseconds
		deaf  bool
		over  time.Duration
		pings int
	}{
		"as it does by itself":      {0, false, 101 * time.Second, 5},
		"more often":                {3000, false, 101 * time.Second, 33},
		"not too often":             {1, false, 101 * time.Second, 50},
		"never less often":          {600_000, false, 101 * time.Second, 5},
		"no page is there":          {0, true, 40 * time.Second, 1},
		"no page is there, quicker": {3000, true, 23 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				s := &socket{hello: &bridge.Hello{Ping: c.ask}}
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				for key, value := range map[string]string{
					"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
				} {
					r.Header.Set(key, value)
				}
				var err error
				s.conn, err = websocket.Accept(metered{piped{httptest.NewRecorder(), near}, &s.meter, 0}, r, nil)
				require.NoError(t, err)
				pings := 0
				go func() {
					for head := make([]byte, 2); ; {
						if _, err := io.ReadFull(far, head); err != nil {
							return
						}
						text := make([]byte, head[1])
						io.ReadFull(far, text)
						pings++
						if !c.deaf {
							far.Write(append([]byte{0x8a, 0x80 | head[1], 0, 0, 0, 0}, text...))
						}
					}
				}()
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 101*time.Second)
				defer cancel()
				closed := s.conn.CloseRead(ctx)
				stop := s.keepAlive(ctx)
				<-closed.Done()
				stop()
				require.Equal(t, c.over, time.Since(began))
				require.Equal(t, c.deaf, ctx.Err() == nil, "it is cut for silence only")
				far.Close()
				s.conn.CloseNow()
				synctest.Wait()
				require.Equal(t, c.pings, pings)
			})
		})
	}
}

// B54: the charge for small frames does not slow down a party with a slow link and two
// uploads at a time.
func TestB54SlowLineIsNotRateLimited(t *testing.T) {
	type ack struct {
		at     time.Duration
		stored int64
	}
	for _, rate := range []float64{1000, 2000, 4000, 8000, 16_000, 64_000, 160_000, 320_000, 640_000, 2e6} {
		t.Run(fmt.Sprintf("%.0f bytes a second", rate), func(t *testing.T) {
			const trip = 50 * time.Millisecond
			s := bridge.NewSender(int64(rate*300), 0, bridge.MaxFrame, nil)
			var now, free time.Duration
			var acks []ack
			cost := 0
			for !s.Done() {
				for _, n := s.Next(); n > 0; _, n = s.Next() {
					s.Advance(n, now)
					free = max(free, now) + time.Duration(float64(n)/rate*float64(time.Second))
					acks = append(acks, ack{free + trip, s.Sent()})
					cost += 1 + small(int(n))
				}
				now = max(now, acks[0].at)
				require.NoError(t, s.Ack(acks[0].stored, 0, now))
				acks = acks[1:]
			}
			require.Less(t, 2*float64(cost)/now.Seconds(), 100.0, "messages a second, by default")
		})
	}
}
