package proxy

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// fronts are the front ends whose word about who connects through them is believed.
type fronts []netip.Prefix

func parseFronts(list []string) (fronts, error) {
	var out fronts
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if addr, errAddr := netip.ParseAddr(s); errAddr == nil {
			p, err = addr.WithZone("").Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, errors.New("a front end is written as an address or a network, as 10.0.0.7 or fd00::/8: " + s)
		}
		if p.Addr().Is4In6() {
			return nil, errors.New("a front end of IPv4 is written as IPv4: " + s)
		}
		out = append(out, p)
	}
	return out, nil
}

func (f fronts) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(f, func(p netip.Prefix) bool { return p.Contains(a) })
}

// from is who connects: the peer, or whom a front end has named that is trusted.
// Each appends whom it has seen to X-Forwarded-For, so the list is believed from
// its end on, as far as trusted ones wrote it; what stands before may be the
// stranger's own invention.
func (f fronts) from(r *http.Request) string {
	addr, ok := parseAddress(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(chain) - 1; i >= 0 && f.trusts(addr); i-- {
		named, ok := parseAddress(strings.TrimSpace(chain[i]))
		if !ok {
			break
		}
		addr = named
	}
	return network(addr)
}

// parseAddress reads an address with or without a port: some front ends write one.
func parseAddress(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap().WithZone(""), err == nil
}

// network is the address, or of IPv6 its network: one host has the whole /64.
func network(a netip.Addr) string {
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64)
	return p.String()
}
