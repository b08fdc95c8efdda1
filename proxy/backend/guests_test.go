package backend_test

import (
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/backend"
	"attache/proxy/guests"
)

// H2: a proxy that knows the secret is not limited, however many connections it needs;
// strangers displace each other.
func TestH2_BackendDoesNotLimitItsProxy(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	h, err := backend.NewHandler(b.Options)
	require.NoError(t, err)
	defer h.Close()
	s := httptest.NewUnstartedServer(guests.Handler(h, guests.TimedBodies))
	s.Config.ConnContext = guests.ConnContext
	s.Listener = guests.Listen(s.Listener, guests.Options{Total: 2, PerAddress: 2})
	s.Start()
	defer s.Close()
	hello := func(authorization string) net.Conn {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		io.WriteString(c, "GET /backend HTTP/1.1\r\nHost: x\r\n"+authorization+"\r\n")
		_, err = c.Read(make([]byte, 4096))
		require.NoError(t, err)
		return c
	}
	var own []net.Conn
	for range 5 {
		own = append(own, hello("Authorization: Bearer "+secret+"\r\n"))
	}
	for range 5 {
		hello("")
	}
	for _, c := range own {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		n, err := c.Read(make([]byte, 4096))
		require.NoError(t, err)
		require.NotZero(t, n)
	}
}
