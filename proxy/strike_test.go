package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func testRateLimits() *rateLimits {
	return &rateLimits{messageRate: 100, messageBurst: 500, sockets: 2, historyRate: 1 << 20, historyBurst: 1 << 20, byParty: map[string]*rateLimit{}}
}

func partySocket() *socket {
	s := &socket{path: bridge.PathChat, who: Identity{Session: "s", Party: bridge.Party{UserID: "u"}}}
	s.meter.liveness.read(1)
	return s
}

// H3: the wait doubles with each flood up to a bound, and is reset in the end.
func TestH3WaitDoublesWithEachFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testRateLimits()
		var last time.Duration
		for n := range 12 {
			s := partySocket()
			limits, err := p.enter(s)
			require.NoError(t, err)
			s.rate = limits
			begun := time.Now()
			require.NoError(t, p.admit(t.Context(), limits))
			waited := time.Since(begun)
			require.LessOrEqual(t, waited, strikeMost)
			if n > 1 {
				require.GreaterOrEqual(t, waited, last)
			}
			last = waited
			s.meter.flood()
			p.exit(s)
		}
		require.Equal(t, strikeMost, last)
		time.Sleep(strikeMost + strikeLast + time.Second)
		synctest.Wait()
		require.Empty(t, p.byParty, "nothing is retained of a party that is gone")
	})
}

// H4: a page that comes back over another network replaces its old sockets if they are dead
// and that was not noticed; living ones stay.
func TestH4DeadSocketsAreClosedForANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testRateLimits()
		old, busy := partySocket(), partySocket()
		for _, s := range []*socket{old, busy} {
			_, err := p.enter(s)
			require.NoError(t, err)
		}
		_, err := p.enter(partySocket())
		require.Equal(t, bridge.CodeBusy, bridge.CodeOf(err))
		time.Sleep(deadTime + time.Second)
		busy.meter.liveness.read(1)
		fresh := partySocket()
		limits, err := p.enter(fresh)
		require.NoError(t, err)
		require.True(t, old.meter.stopped)
		require.False(t, busy.meter.stopped)
		_, err = p.enter(partySocket())
		require.Equal(t, bridge.CodeBusy, bridge.CodeOf(err))
		for _, s := range []*socket{old, busy, fresh} {
			s.rate = limits
			p.exit(s)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Empty(t, p.byParty)
	})
}

// M1: a page's own frames cost next to nothing, on any line; a byte at a time costs much.
func TestM1TinyFramesCostMore(t *testing.T) {
	for payload, cost := range map[int]int{
		1: tinyCost, bridge.MinFrame - 1: tinyCost, bridge.MinFrame: 2, fullFrame: 0, bridge.MaxFrame: 0,
	} {
		require.Equal(t, cost, small(payload), payload)
	}
	require.Zero(t, overhead(14))
	require.Equal(t, 8, overhead(overheadFree+8*overheadCost))
}

// M1: twenty uploads at once over a line of any rate are never held back: what their
// frames cost a second is less than a party may send.
func TestM1SlowLineIsNotRateLimited(t *testing.T) {
	for _, rate := range []float64{2_000, 4_000, 8_000, 16_000, 64_000, 125_000, 1_000_000, 10_000_000} { // bytes a second
		for _, uploads := range []float64{1, 3, 20} {
			cost := 0.0
			s := bridge.NewSender(100<<20, 0, bridge.MaxFrame, nil)
			var now time.Duration
			for range 200 {
				_, length := s.Next()
				if length == 0 {
					break
				}
				s.Advance(length, now)
				now += time.Duration(float64(length) / (rate / uploads) * float64(time.Second))
				require.NoError(t, s.Ack(s.Sent(), 0, now))
				cost += float64(small(int(length)))
			}
			require.Less(t, uploads*cost/now.Seconds(), 100.0, "%v B/s, %v uploads", rate, uploads)
		}
	}
}
