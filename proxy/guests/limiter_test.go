package guests_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/proxy/guests"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// M3: at the total, the oldest guest of the address with the most is evicted.
func TestM3LimiterEvictsTheOldestOfTheBusiestAddress(t *testing.T) {
	var evicted []string
	l := guests.NewLimiter(4, 3, true)
	acquire := func(from, name string) func() {
		return l.Acquire(from, func() { evicted = append(evicted, name) })
	}
	acquire("b", "b1")
	acquire("a", "a1")
	acquire("a", "a2")
	release := acquire("a", "a3")
	require.Nil(t, acquire("a", "a4"), "the limit of an address")
	require.NotNil(t, acquire("c", "c1"))
	require.Equal(t, []string{"a1"}, evicted, "not b1, which is older but alone")
	release()
	release()
	require.Equal(t, 3, l.Len())
	acquire("d", "d1")
	require.Len(t, evicted, 1)
	acquire("e", "e1")
	require.Equal(t, []string{"a1", "b1"}, evicted, "the oldest of addresses with equally many")
}

// M3: thousands of guests from as many addresses do not keep out a newcomer that soon
// authenticates.
func TestM3NewcomersGetInBesideManyGuests(t *testing.T) {
	l := guests.NewLimiter(1024, 64, true)
	for n := range 5000 {
		require.NotNil(t, l.Acquire(fmt.Sprint("guest-", n), func() {}))
		if n%10 == 0 {
			release := l.Acquire("newcomer", func() { t.Fatal("a newcomer is evicted") })
			require.NotNil(t, release)
			release()
		}
	}
	require.Equal(t, 1024, l.Len())
}

func TestLimiter_EvictsWithinAnAddress(t *testing.T) {
	l := guests.NewLimiter(100, 2, false)
	var evicted []int
	for n := range 5 {
		require.NotNil(t, l.Acquire("a", func() { evicted = append(evicted, n) }))
	}
	require.Equal(t, []int{0, 1, 2}, evicted)
	require.Equal(t, 2, l.Evict(10))
	require.Equal(t, []int{0, 1, 2, 3, 4}, evicted)
}

// exhausted is a listener that lacks a descriptor a few times.
type exhausted struct {
	net.Listener
	fails int
}

func (f *exhausted) Accept() (net.Conn, error) {
	if f.fails > 0 {
		f.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

// H2 and L9: if no descriptor is left, guests are evicted and the failure is counted.
func TestH2L9GuestsAreEvictedForNewcomers(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &exhausted{Listener: tcp}
	l := guests.Listen(f, guests.Options{Total: 100, PerAddress: 100})
	defer l.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", tcp.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	guest, known := dial(), dial()
	first, err := l.Accept()
	require.NoError(t, err)
	second, err := l.Accept()
	require.NoError(t, err)
	defer second.Close()
	guests.MarkKnown(guests.ConnContext(t.Context(), second))
	f.fails = 1
	newcomer := dial()
	third, err := l.Accept()
	require.NoError(t, err)
	defer third.Close()
	_, err = guest.Read(make([]byte, 1))
	require.Error(t, err, "the guest is evicted")
	_, err = first.Write([]byte{0})
	require.Error(t, err)
	for _, c := range [][2]net.Conn{{second, known}, {third, newcomer}} {
		c[0].Write([]byte{7})
		got, err := io.ReadFull(c[1], make([]byte, 1))
		require.NoError(t, err)
		require.Equal(t, 1, got)
	}
	require.EqualValues(t, 1, l.Failures())
	require.NoError(t, l.Ready(), "the newcomer got in")

	f.fails = 3
	third.Close()
	_, err = l.Accept()
	require.ErrorIs(t, err, syscall.EMFILE, "a known peer is not evicted")
	require.ErrorContains(t, l.Ready(), "ulimit")
}

// H2: connections count by address, except those of reverse proxies, which have many peers.
func TestH2ConnectionsAreLimitedByAddress(t *testing.T) {
	for name, exempt := range map[string]bool{"a guest": false, "a reverse proxy": true} {
		t.Run(name, func(t *testing.T) {
			tcp, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			l := guests.Listen(tcp, guests.Options{Total: 100, PerAddress: 3, Exempt: func(netip.Addr) bool { return exempt }})
			defer l.Close()
			var in []net.Conn
			for range 5 {
				c, err := net.Dial("tcp", tcp.Addr().String())
				require.NoError(t, err)
				defer c.Close()
				got, err := l.Accept()
				require.NoError(t, err)
				defer got.Close()
				in = append(in, got)
			}
			open := 0
			for _, c := range in {
				if _, err := c.Write([]byte{0}); err == nil {
					open++
				}
			}
			require.Equal(t, map[bool]int{false: 3, true: 5}[exempt], open)
		})
	}
}
