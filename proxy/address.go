package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"attache/proxy/guests"
)

// trustedProxies are the reverse proxies whose X-Forwarded-For is believed.
type trustedProxies []netip.Prefix

func parseTrustedProxies(list []string) (trustedProxies, error) {
	var out trustedProxies
	var wrong []error
	for _, s := range list {
		p, err := parseTrustedProxy(s)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("reverse proxy %w", err))
		}
		out = append(out, p)
	}
	return out, errors.Join(wrong...)
}

// CheckTrustedProxy returns an error if s is not the address or network of a reverse proxy
// as Config.TrustedProxies takes it. The error quotes s and says what to write instead.
func CheckTrustedProxy(s string) error {
	_, err := parseTrustedProxy(s)
	return err
}

func parseTrustedProxy(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if addr, errAddr := netip.ParseAddr(s); errAddr == nil {
		p, err = addr.WithZone("").Prefix(addr.BitLen())
	}
	if err != nil {
		if a, errPort := netip.ParseAddrPort(s); errPort == nil {
			return p, fmt.Errorf("%q has a port, which differs for each connection: write %s", s, a.Addr())
		}
		return p, fmt.Errorf("%q is neither an address nor a network: write 10.0.0.7 or fd00::/8", s)
	}
	if a := p.Addr(); a.Is4In6() {
		bits := max(0, p.Bits()-96)
		return p, fmt.Errorf("%q is an IPv4 address: write %s", s, short(netip.PrefixFrom(a.Unmap(), bits).Masked()))
	}
	if p != p.Masked() {
		return p, fmt.Errorf("%q has bits set after its /%d: write %s for the network, or %s for the one address", s, p.Bits(), p.Masked(), p.Addr())
	}
	return p, nil
}

// short writes the network of one address as that address.
func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func (t trustedProxies) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(t, func(p netip.Prefix) bool { return p.Contains(a) })
}

// from returns the client's address: the peer's or, if that is a trusted reverse proxy,
// the address in X-Forwarded-For. Each reverse proxy appends its own peer to that list,
// so it is read from its end, as far as trusted reverse proxies wrote it; a client may
// have invented the part before.
func (t trustedProxies) from(r *http.Request) string {
	addr, ok := parseAddress(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(chain) - 1; i >= 0 && t.trusts(addr); i-- {
		named, ok := parseAddress(strings.TrimSpace(chain[i]))
		if !ok {
			break
		}
		addr = named
	}
	return guests.Network(addr)
}

// unlisted reports whether the request seems to come from a reverse proxy that the
// configuration does not list: a peer in this network has sent X-Forwarded-For.
func (t trustedProxies) unlisted(r *http.Request) (netip.Addr, bool) {
	a, ok := parseAddress(r.RemoteAddr)
	return a, ok && r.Header.Get("X-Forwarded-For") != "" && (a.IsLoopback() || a.IsPrivate()) && !t.trusts(a)
}

// directly reports whether the bytes of a request reach this process as the page's machine has
// sent them: TLS ends here, or they come from this machine and no reverse proxy is in between.
// A reverse proxy may hold them in its memory or on its disk.
func (t trustedProxies) directly(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	a, ok := parseAddress(r.RemoteAddr)
	return ok && a.IsLoopback() && !t.trusts(a) && !forwarded(r)
}

// forwarded reports whether a reverse proxy has marked the request, listed or not.
func forwarded(r *http.Request) bool {
	return slices.ContainsFunc([]string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip"}, func(name string) bool {
		return len(r.Header.Values(name)) > 0
	})
}

// parseAddress reads an address with or without a port, and one of IPv6 with or without
// brackets: reverse proxies differ.
func parseAddress(s string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSuffix(inner, "]")
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap().WithZone(""), err == nil
}

// TrustedProxy reports whether the address is one of the reverse proxies that the
// configuration lists: many clients may connect through it.
func (p *Proxy) TrustedProxy(a netip.Addr) bool { return p.trusted.trusts(a) }

// Address returns the unit of limits by address of a request: the client's, also through a
// trusted reverse proxy.
func (p *Proxy) Address(r *http.Request) string { return p.trusted.from(r) }

// Authenticate reads an application's token; see [Authenticator].
func (p *Proxy) Authenticate(ctx context.Context, token string) (Identity, error) {
	return p.cfg.Auth.Authenticate(ctx, token)
}
