// Package guests bounds what guests, peers that have not authenticated, can use up:
// connections, by address and in total ([Listener]), request bodies that do not
// arrive and
// responses that are not read ([Handler]).
//
//	l := guests.Listen(tcp, guests.Options{})
//	server := &http.Server{Handler: guests.Handler(h, guests.NoBodies), ConnContext: guests.ConnContext}
//	server.Serve(l)
//
// A handler that has authenticated its peer calls [MarkKnown]; from then on the connection
// is neither counted nor evicted.
package guests

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// Options bound the connections of guests.
type Options struct {
	// Total bounds all of them; 0 is 4096, or fewer if the process may not open that many
	// files.
	Total int
	// PerAddress bounds those from one address; 0 is an eighth of Total.
	PerAddress int
	// Exempt reports whether an address is that of many peers: a reverse proxy. Nil: none is.
	Exempt func(netip.Addr) bool
}

const maxGuests = 4096

// reserved is the part of the process's descriptors, one in so many, that guests leave to the
// store, the log and the scanner.
const reserved = 3

func (o Options) withDefaults() Options {
	o.Total = cmp.Or(o.Total, defaultTotal())
	o.PerAddress = cmp.Or(o.PerAddress, max(8, o.Total/8))
	return o
}

func defaultTotal() int {
	n := descriptors()
	if n == 0 {
		return maxGuests
	}
	return max(8, min(maxGuests, n-n/reserved))
}

// Listener is a listener that limits connections until their peers are known.
type Listener struct {
	net.Listener
	exempt  func(netip.Addr) bool
	limiter *Limiter

	failures atomic.Int64
	failing  atomic.Bool // the last connection could not be accepted
}

// Listen returns a listener that accepts from l. Closing it closes l.
func Listen(l net.Listener, o Options) *Listener {
	o = o.withDefaults()
	return &Listener{Listener: l, exempt: o.Exempt, limiter: NewLimiter(o.Total, o.PerAddress, false)}
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

// evictions is how many guests are evicted at once when no descriptor is left.
const evictions = 8

// Accept returns the next connection. If the process has no file descriptor left for it, the
// oldest guests are evicted.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			l.failing.Store(false)
			return l.admit(conn), nil
		}
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return nil, err
		}
		l.failures.Add(1)
		l.failing.Store(true)
		if l.limiter.Evict(evictions) == 0 {
			return nil, err // the server retries later
		}
	}
}

func (l *Listener) admit(conn net.Conn) net.Conn {
	boundUnsent(conn)
	c := &Conn{Conn: conn}
	from := conn.RemoteAddr().String()
	if addr, err := netip.ParseAddrPort(from); err == nil {
		from = Network(addr.Addr())
		if l.exempt != nil && l.exempt(addr.Addr().Unmap().WithZone("")) {
			return c
		}
	}
	release := l.limiter.Acquire(from, func() { conn.Close() })
	c.release.Store(&release)
	return c
}

// Network returns the unit of limits by address: an IPv4 address, or the /64 of an IPv6 address,
// because one host has all of that.
func Network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64)
	return p.String()
}
