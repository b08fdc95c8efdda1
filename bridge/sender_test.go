package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"attache/bridge"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	mib = 1 << 20
	ms  = time.Millisecond
)

// For any link, cuts and acks, every byte is sent once, in order and within the
// window, and arrives.
func TestSender_LosesNothingWhenConnectionsBreak(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			size     = rapid.Int64Range(0, 64*mib).Draw(t, "size")
			maxFrame = rapid.SampledFrom([]int64{1, 4096, bridge.MinFrame, 300_000, bridge.MaxFrame, 16 * mib}).Draw(t, "max frame")
			rate     = rapid.Float64Range(1e4, 1e9).Draw(t, "rate")
			now      time.Duration
			stored   int64 // by the proxy
			arrived  int64 // at the proxy
		)
		if size > 4096*maxFrame {
			size %= 4096 * maxFrame // so that one-byte frames are few
		}
		s := bridge.NewSender(size, 0, maxFrame, nil)
		for step := 0; !s.Done(); step++ {
			require.Less(t, step, 200_000, "it terminates")
			inFlight := s.Sent() - s.Stored()
			offset, length := s.Next()
			require.Equal(t, s.Sent(), offset, "nothing is skipped or repeated")
			require.LessOrEqual(t, offset+length, size)
			require.LessOrEqual(t, length, min(maxFrame, bridge.MaxFrame))
			require.GreaterOrEqual(t, s.Window(), int64(bridge.MinWindow))
			require.LessOrEqual(t, s.Window(), int64(bridge.MaxWindow))
			if length > 0 {
				if inFlight > 0 {
					require.LessOrEqual(t, inFlight+length, s.Window())
				}
				s.Advance(length, now)
				arrived = offset + length
				continue
			}
			require.Positive(t, inFlight, "it waits only if an ack is due")
			now += seconds(float64(inFlight) / rate)
			if step%7 == 6 && rapid.IntRange(0, 9).Draw(t, "cut") == 0 {
				// Some bytes in flight still arrived; the proxy says how many.
				stored = rapid.Int64Range(stored, arrived).Draw(t, "kept")
				arrived = stored
				s = bridge.NewSender(size, stored, maxFrame, nil)
				continue
			}
			stored = min(arrived, stored+max(1, inFlight/rapid.Int64Range(1, 4).Draw(t, "pieces")))
			require.NoError(t, s.Ack(stored, 0, now))
			require.Equal(t, stored, s.Stored())
		}
		require.Equal(t, size, s.Sent())
		_, length := s.Next()
		require.Zero(t, length, "nothing follows the end")
	})
}

func TestSender_SlowLinkQueuesLittle(t *testing.T) {
	l := link{rate: 1.25e6, rtt: 20 * ms}
	seen := l.carry(bridge.NewSender(40*mib, 0, bridge.MaxFrame, nil))

	ideal := l.rate * (150*ms + l.rtt).Seconds()
	for _, f := range seen.frames {
		require.LessOrEqual(t, f.queue, 200*ms, "a text never readTime longer, from the first frame on")
		require.GreaterOrEqual(t, f.window, int64(bridge.MinWindow))
		require.LessOrEqual(t, float64(f.window), 1.1*ideal)
	}
	require.Greater(t, 40*mib/l.rate/seen.took.Seconds(), 0.98)
}

func TestSender_UsesTheLinksRate(t *testing.T) {
	for name, tc := range map[string]struct {
		link link
		size int64
		want float64 // of the link's rate
	}{
		"loopback with fsync":      {link{rate: 400e6, rtt: 4 * ms}, 256 * mib, 0.95},
		"loopback":                 {link{rate: 1e9, rtt: ms}, 256 * mib, 0.95},
		"modem":                    {link{rate: 7e3, rtt: 200 * ms}, mib, 0.95},
		"long and fat":             {link{rate: 12.5e6, rtt: 200 * ms}, 256 * mib, 0.9},
		"long and fat, small file": {link{rate: 12.5e6, rtt: 200 * ms}, 64 * mib, 0.8},
		"satellite":                {link{rate: 6e6, rtt: 600 * ms}, 128 * mib, 0.8},
		"acks in bunches":          {link{rate: 1.25e6, rtt: 20 * ms, ackEvery: 60 * ms}, 20 * mib, 0.95},
		"clock of 1 ms":            {link{rate: 100e6, rtt: 5 * ms, tick: ms}, 256 * mib, 0.95},
		"clock of 100 ms":          {link{rate: 12.5e6, rtt: 30 * ms, tick: 100 * ms}, 64 * mib, 0.8},
		"no RTT at all":            {link{rate: 1e9, rtt: 0}, 256 * mib, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			s := bridge.NewSender(tc.size, 0, bridge.MaxFrame, nil)
			seen := tc.link.carry(s)
			require.True(t, s.Done())
			require.Greater(t, float64(tc.size)/tc.link.rate/seen.took.Seconds(), tc.want)
		})
	}
}

func TestSender_FastLinkReachesMaxWindow(t *testing.T) {
	s := bridge.NewSender(256*mib, 0, bridge.MaxFrame, nil)
	seen := link{rate: 400e6, rtt: 4 * ms}.carry(s)
	require.Equal(t, int64(bridge.MaxWindow), s.Window())
	require.Equal(t, int64(bridge.MaxFrame), seen.frames[len(seen.frames)/2].length)
}

func TestSender_FollowsAChangingLink(t *testing.T) {
	const changesAt = 30 * time.Second
	for name, tc := range map[string]struct {
		before, after link
		settled       time.Duration // after the change
	}{
		"ten times slower": {link{rate: 12.5e6, rtt: 20 * ms}, link{rate: 1.25e6, rtt: 20 * ms}, 15 * time.Second},
		"ten times faster": {link{rate: 1.25e6, rtt: 20 * ms}, link{rate: 12.5e6, rtt: 20 * ms}, 15 * time.Second},
		"a slow disk":      {link{rate: 10e6, rtt: 20 * ms}, link{rate: 10e6, rtt: 20 * ms, storeTime: 400 * ms}, 15 * time.Second},
		"a longer way":     {link{rate: 5e6, rtt: 20 * ms}, link{rate: 5e6, rtt: 300 * ms}, 15 * time.Second},
		"a shorter way":    {link{rate: 5e6, rtt: 300 * ms}, link{rate: 5e6, rtt: 20 * ms}, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			tc.before.changesAt, tc.before.next = changesAt, &tc.after
			size := int64(tc.before.rate*changesAt.Seconds() + tc.after.rate*60)
			seen := tc.before.carry(bridge.NewSender(size, 0, bridge.MaxFrame, nil))

			from, over := changesAt+tc.settled, 30*time.Second
			frames := seen.between(from, from+over)
			require.InDelta(t, 1, share(frames, tc.after.rate, over), 0.15)
			for _, f := range frames {
				// After a pause for a probe, everything that the store may hold is on the link.
				require.LessOrEqual(t, f.queue, 250*ms+tc.after.rtt+tc.after.storeTime)
			}
		})
	}
}

// A slow disk of the page, or a pause of the proxy, must not count as a slow link
// for long.
func TestSender_RecoversFromAPause(t *testing.T) {
	s := bridge.NewSender(512*mib, 0, bridge.MaxFrame, nil)
	slow := link{rate: 100e6, rtt: 5 * ms, readTime: 200 * ms, changesAt: 20 * time.Second, next: &link{rate: 100e6, rtt: 5 * ms}}
	seen := slow.carry(s)
	require.True(t, s.Done())
	require.Greater(t, share(seen.between(21*time.Second, 23*time.Second), 100e6, 2*time.Second), 0.8)
}

// answered is the page's knowledge of a link when the first upload begins: how
// long the hello and its answer took.
func (l link) answered() *bridge.Link {
	const hello = 600
	known := &bridge.Link{}
	known.Observe(hello, l.rtt+seconds(hello/l.rate))
	return known
}

// A file of any size arrives on any line that moves: no frame takes more than 5 s
// on it, and neither end times out.
func TestB54SlowLinks(t *testing.T) {
	const (
		text   = 15 * time.Second // the proxy's timeout for a message, without its bytes
		silent = 30 * time.Second // the page's timeout for a silent link, without the bytes owed
	)
	for _, kbit := range []float64{16, 32, 64, 128, 1000} {
		for _, size := range []int64{1, 64 << 10, 100 << 10, 150 << 10, 250 << 10, 300 << 10, 2 * mib} {
			for _, rtt := range []time.Duration{ms, 50 * ms, 600 * ms, 2 * time.Second} {
				for _, storeTime := range []time.Duration{0, 20 * ms, 2 * time.Second} {
					// A line that passes a burst looks fast until the first frame.
					for name, burst := range map[string]bool{"": false, ", after a burst": true} {
						t.Run(fmt.Sprintf("%.0f kbit/s, %d B, %v, store %v%s", kbit, size, rtt, storeTime, name), func(t *testing.T) {
							line := link{rate: kbit * 125, rtt: rtt, storeTime: storeTime}
							known := line.answered()
							if burst {
								known.Observe(600, rtt)
							}
							s := bridge.NewSender(size, 0, bridge.MaxFrame, known)
							seen := line.carry(s)
							require.True(t, s.Done())
							for _, f := range seen.frames {
								alone := seconds(float64(f.length) / line.rate)
								require.Less(t, alone, bridge.Timeout(text, f.length))
								require.Less(t, f.queue+rtt+storeTime, (&bridge.Link{}).Timeout(silent, f.owed))
								if !burst {
									require.LessOrEqual(t, alone, 5*time.Second)
								}
							}
							if size == 2*mib && storeTime < time.Second && !burst {
								require.Greater(t, float64(size)/line.rate/seen.took.Seconds(), 0.6, "the line is well used")
							}
						})
					}
				}
			}
		}
	}
}

// On a link known to be fast a small file is one frame.
func TestSender_SmallFileIsOneFrame(t *testing.T) {
	lan := link{rate: 12.5e6, rtt: 2 * ms}
	earlier := &bridge.Link{}
	far := link{rate: 5e6, rtt: 100 * ms}
	far.carry(bridge.NewSender(2*mib, 0, bridge.MaxFrame, earlier))
	for name, known := range map[string]*bridge.Link{"by its hello": lan.answered(), "by an earlier upload": earlier} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int64{1, 100 << 10, 256 << 10} {
				_, length := bridge.NewSender(size, 0, bridge.MaxFrame, known).Next()
				require.Equal(t, size, length)
			}
			_, length := bridge.NewSender(256<<10+1, 0, bridge.MaxFrame, known).Next()
			require.Equal(t, int64(64<<10), length)
		})
	}
	_, length := bridge.NewSender(256<<10, 0, bridge.MaxFrame, nil).Next()
	require.Equal(t, int64(bridge.MinFrame), length, "nothing is known")
}

// A long measurement replaces the known rate; a short one can only raise it.
func TestLink_LongMeasurementLowersTheRate(t *testing.T) {
	known := &bridge.Link{}
	first := func() int64 {
		_, length := bridge.NewSender(256<<10, 0, bridge.MaxFrame, known).Next()
		return length
	}
	known.Observe(600, ms)
	require.EqualValues(t, 256<<10, first())
	known.Observe(1, 40*ms)
	require.EqualValues(t, 256<<10, first(), "a byte says nothing about the rate")
	known.Observe(8000, 4*time.Second)
	require.EqualValues(t, bridge.MinFrame, first(), "it has become slow")
	known.Observe(0, time.Second)
	known.Observe(100, 0)
	known.Observe(-1, time.Second)
	require.EqualValues(t, bridge.MinFrame, first())
}

func TestSender_EmptyFileIsDone(t *testing.T) {
	s := bridge.NewSender(0, 0, bridge.MaxFrame, nil)
	_, length := s.Next()
	require.Zero(t, length)
	require.True(t, s.Done())
}

func TestSender_ContinuesAtTheProxysOffset(t *testing.T) {
	s := bridge.NewSender(mib, 700_000, bridge.MaxFrame, nil)
	offset, length := s.Next()
	require.Equal(t, int64(700_000), offset)
	require.Positive(t, length)
	require.Equal(t, int64(mib), s.Size())
	require.Equal(t, int64(700_000), s.Stored())
}

func TestSender_SendsAtAMaxFrameOfZero(t *testing.T) {
	_, length := bridge.NewSender(mib, 0, 0, nil).Next()
	require.Positive(t, length)
}

func TestSender_RefusesImpossibleAcks(t *testing.T) {
	for name, stored := range map[string]int64{"backwards": 999, "beyond what was sent": 70_001, "negative": -1} {
		t.Run(name, func(t *testing.T) {
			s := bridge.NewSender(mib, 1000, bridge.MaxFrame, nil)
			s.Advance(69_000, 0)
			require.Equal(t, bridge.CodeMessage, bridge.CodeOf(s.Ack(stored, 0, ms)))
			require.Equal(t, int64(1000), s.Stored(), "nothing has happened")
		})
	}
}
