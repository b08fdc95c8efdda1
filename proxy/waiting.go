package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// waiting counts the sockets that have not said who they are, so that strangers
// cannot hold the proxy's memory.
type waiting struct {
	total, each int

	mu   sync.Mutex
	all  int
	from map[string]int
}

// enter counts a stranger in and returns how to count it out; nil when there
// are too many.
func (q *waiting) enter(r *http.Request) (leave func()) {
	from := prefix(r.RemoteAddr)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all >= q.total || q.from[from] >= q.each {
		return nil
	}
	q.all++
	q.from[from]++
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.all--
		if q.from[from]--; q.from[from] == 0 {
			delete(q.from, from)
		}
	})
}

// prefix is the address, or of IPv6 its network: one host has the whole /64.
func prefix(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() || addr.Is4In6() {
		return host
	}
	p, _ := addr.Prefix(64)
	return p.String()
}
