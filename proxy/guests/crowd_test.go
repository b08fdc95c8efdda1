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

// M3: at the total the one who has waited longest goes, of those from the address with
// the most.
func TestM3TheOldestStrangerMakesRoom(t *testing.T) {
	var out []string
	c := guests.NewCrowd(4, 3, true)
	enter := func(from, name string) func() { return c.Enter(from, func() { out = append(out, name) }) }
	enter("b", "b1")
	enter("a", "a1")
	enter("a", "a2")
	leave := enter("a", "a3")
	require.Nil(t, enter("a", "a4"), "an address has its own bound")
	require.NotNil(t, enter("c", "c1"))
	require.Equal(t, []string{"a1"}, out, "not b1, who waits longer but alone")
	leave()
	leave()
	require.Equal(t, 3, c.Len())
	enter("d", "d1")
	require.Len(t, out, 1)
	enter("e", "e1")
	require.Equal(t, []string{"a1", "b1"}, out, "of addresses with as many, the oldest")
}

// M3: thousands of strangers from as many addresses keep no newcomer out who says soon
// who it is.
func TestM3NewcomersGetInBesideManyStrangers(t *testing.T) {
	c := guests.NewCrowd(1024, 64, true)
	for n := range 5000 {
		require.NotNil(t, c.Enter(fmt.Sprint("stranger-", n), func() {}))
		if n%10 == 0 {
			leave := c.Enter("newcomer", func() { t.Fatal("a newcomer is put out") })
			require.NotNil(t, leave)
			leave()
		}
	}
	require.Equal(t, 1024, c.Len())
}

func TestOneAddressTurnsOverItsOwn(t *testing.T) {
	c := guests.NewCrowd(100, 2, false)
	var out []int
	for n := range 5 {
		require.NotNil(t, c.Enter("a", func() { out = append(out, n) }))
	}
	require.Equal(t, []int{0, 1, 2}, out)
	require.Equal(t, 2, c.Relieve(10))
	require.Equal(t, []int{0, 1, 2, 3, 4}, out)
}

// full is a listener that has no descriptor left a few times.
type full struct {
	net.Listener
	fails int
}

func (f *full) Accept() (net.Conn, error) {
	if f.fails > 0 {
		f.fails--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

// H2 and L9: where no descriptor is left strangers are put out, and it is counted.
func TestH2L9StrangersMakeRoomForNewcomers(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &full{Listener: tcp}
	l := guests.Listen(f, guests.Options{Total: 100, Each: 100})
	defer l.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", tcp.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	stranger, known := dial(), dial()
	first, err := l.Accept()
	require.NoError(t, err)
	second, err := l.Accept()
	require.NoError(t, err)
	defer second.Close()
	guests.Known(guests.Context(t.Context(), second))
	f.fails = 1
	newcomer := dial()
	third, err := l.Accept()
	require.NoError(t, err)
	defer third.Close()
	_, err = stranger.Read(make([]byte, 1))
	require.Error(t, err, "the stranger is put out")
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
	require.ErrorIs(t, err, syscall.EMFILE, "who is known is not put out")
	require.ErrorContains(t, l.Ready(), "ulimit")
}

// H2: connections count by address, but for reverse proxies, which stand for many.
func TestH2ConnectionsAreCountedByAddress(t *testing.T) {
	for name, exempt := range map[string]bool{"a stranger": false, "a reverse proxy": true} {
		t.Run(name, func(t *testing.T) {
			tcp, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			l := guests.Listen(tcp, guests.Options{Total: 100, Each: 3, Exempt: func(netip.Addr) bool { return exempt }})
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
