// Package guests bounds what those hold who have not said who they are:
// connections by address and in all ([Listener]), bodies that do not come and
// answers that are not read ([Handler]).
//
//	l := guests.Listen(tcp, guests.Options{})
//	server := &http.Server{Handler: guests.Handler(h, guests.NoBodies), ConnContext: guests.Context}
//	server.Serve(l)
//
// A handler that has learned who is connected calls [Known]; from then on the connection
// is not closed to make room.
package guests

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// Options bound connections whose peers are not known.
type Options struct {
	// Total is how many may be open; 0 is 4096, or what the process may have
	// open less what the store needs.
	Total int
	// Each is how many of them may come from one address; 0 is an eighth of them.
	Each int
	// Exempt tells whether an address stands for many: a reverse proxy. Nil: none does.
	Exempt func(netip.Addr) bool
}

const mostStrangers = 4096

// reserve is a part of the process's descriptors that connections leave to the
// store, the log and the scanner.
const reserve = 3

func (o *Options) complete() {
	if o.Total == 0 {
		o.Total = mostStrangers
		if n := descriptors(); n > 0 {
			o.Total = max(8, min(o.Total, n-n/reserve))
		}
	}
	if o.Each == 0 {
		o.Each = max(8, o.Total/8)
	}
}

// Listener is a listener whose connections are counted until their peers are known.
type Listener struct {
	net.Listener
	exempt func(netip.Addr) bool
	crowd  *Crowd

	failures atomic.Int64
	failing  atomic.Bool // the last connection could not be accepted
}

// Listen returns a listener that accepts from l. Closing it closes l.
func Listen(l net.Listener, o Options) *Listener {
	o.complete()
	return &Listener{Listener: l, exempt: o.Exempt, crowd: NewCrowd(o.Total, o.Each, false)}
}

// Failures returns how many connections could not be accepted.
func (l *Listener) Failures() int64 { return l.failures.Load() }

// Ready returns an error if the last connection could not be accepted.
func (l *Listener) Ready() error {
	if l.failing.Load() {
		return errors.New("no file descriptor is left for new connections: raise the limit (ulimit -n)")
	}
	return nil
}

// relief is how many strangers go at once when no descriptor is left.
const relief = 8

// Accept returns the next connection. If the process has no file descriptor left for
// it, the strangers who have been connected longest are put out.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			l.failing.Store(false)
			return l.enter(conn), nil
		}
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return nil, err
		}
		l.failures.Add(1)
		l.failing.Store(true)
		if l.crowd.Relieve(relief) == 0 {
			return nil, err // the server tries again later
		}
	}
}

func (l *Listener) enter(conn net.Conn) net.Conn {
	boundUnsent(conn)
	g := &Conn{Conn: conn}
	from := conn.RemoteAddr().String()
	if addr, err := netip.ParseAddrPort(from); err == nil {
		from = Network(addr.Addr())
		if l.exempt != nil && l.exempt(addr.Addr().Unmap().WithZone("")) {
			return g
		}
	}
	leave := l.crowd.Enter(from, func() { conn.Close() })
	g.leave.Store(&leave)
	return g
}

// Network returns what counts as one address: for IPv6 its /64, because one host has
// all of that.
func Network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64)
	return p.String()
}

// Conn is an accepted connection.
type Conn struct {
	net.Conn
	leave atomic.Pointer[func()]
}

// Close closes the connection, which is not counted any more.
func (c *Conn) Close() error {
	c.known()
	return c.Conn.Close()
}

func (c *Conn) known() {
	if leave := c.leave.Swap(nil); leave != nil {
		(*leave)()
	}
}

// NetConn is the connection below, as [crypto/tls.Conn.NetConn].
func (c *Conn) NetConn() net.Conn { return c.Conn }

// CloseWrite is what crypto/tls and net/http ask for where it is there.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ReadFrom lets the kernel copy a file where it can.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

type key struct{}

// Context is for [net/http.Server.ConnContext].
func Context(ctx context.Context, c net.Conn) context.Context {
	if g, ok := unwrap[*Conn](c); ok {
		return context.WithValue(ctx, key{}, g)
	}
	return ctx
}

// unwrap returns c, or what it wraps, as soon as that is a T.
func unwrap[T net.Conn](c net.Conn) (found T, ok bool) {
	for {
		if found, ok = c.(T); ok {
			return found, true
		}
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return found, false
		}
		c = outer.NetConn()
	}
}

// Known marks the peer of a request's connection as known: the connection is not
// counted any more, and not closed to make room. ctx is the request's.
func Known(ctx context.Context) {
	if g, ok := ctx.Value(key{}).(*Conn); ok {
		g.known()
	}
}

// Buffers sets the sizes of a connection's kernel buffers for reading and writing, in
// bytes; 0 leaves a size to the kernel. c may be wrapped by types with a NetConn method.
func Buffers(c net.Conn, read, write int) {
	tcp, ok := unwrap[*net.TCPConn](c)
	if !ok {
		return
	}
	if read > 0 {
		tcp.SetReadBuffer(read)
	}
	if write > 0 {
		tcp.SetWriteBuffer(write)
	}
}
