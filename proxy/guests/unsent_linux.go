package guests

import (
	"net"

	"golang.org/x/sys/unix"
)

// maxUnsent bounds the bytes written to a connection that the kernel holds unsent because the peer
// does not read. Bytes in flight have the kernel's own bound, so a long link is not slowed down.
const maxUnsent = 128 << 10

func boundUnsent(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent) })
	}
}
