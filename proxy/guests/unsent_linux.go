package guests

import (
	"net"

	"golang.org/x/sys/unix"
)

// unsent bounds how much of what is written to a connection the kernel keeps that it
// has not sent yet, because its peer takes no more. What is on its way has the kernel's
// own bound: a long link is as fast as without.
const unsent = 128 << 10

// boundUnsent is for every connection that is accepted.
func boundUnsent(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent) })
	}
}
