package proxy

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestT5ForwardedForCountsFromATrustedProxyOnly believes the header of a trusted reverse
// proxy, and no other.
func TestT5ForwardedForCountsFromATrustedProxyOnly(t *testing.T) {
	list, err := parseTrustedProxies([]string{"10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8:ffff::1"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		peer   string
		header []string
		want   string
	}{
		"no reverse proxy":                        {"203.0.113.9:1234", nil, "203.0.113.9"},
		"a header that a stranger forged":         {"203.0.113.9:1234", []string{"198.51.100.1"}, "203.0.113.9"},
		"one that names a reverse proxy":          {"203.0.113.9:1234", []string{"10.0.0.1"}, "203.0.113.9"},
		"beside a reverse proxy of one address":   {"192.0.2.8:1234", []string{"198.51.100.1"}, "192.0.2.8"},
		"through a reverse proxy":                 {"10.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"of one address":                          {"192.0.2.7:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"forged before the reverse proxy's entry": {"10.0.0.1:1234", []string{"1.1.1.1, 2.2.2.2,198.51.100.1"}, "198.51.100.1"},
		"forged in a line of its own":             {"10.0.0.1:1234", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		"forged as a reverse proxy":               {"10.0.0.1:1234", []string{"10.0.0.2, 198.51.100.1"}, "198.51.100.1"},
		"through two of them":                     {"10.0.0.1:1234", []string{"1.1.1.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		"without a header":                        {"10.0.0.1:1234", nil, "10.0.0.1"},
		"with an empty one":                       {"10.0.0.1:1234", []string{""}, "10.0.0.1"},
		"with garbage":                            {"10.0.0.1:1234", []string{"unknown"}, "10.0.0.1"},
		"with garbage at the end":                 {"10.0.0.1:1234", []string{"198.51.100.1, _hidden"}, "10.0.0.1"},
		"with garbage before a reverse proxy":     {"10.0.0.1:1234", []string{"198.51.100.1, x, 10.0.0.2"}, "10.0.0.2"},
		"from the reverse proxies' own network":   {"10.0.0.1:1234", []string{"10.0.0.2"}, "10.0.0.2"},
		"with a port":                             {"10.0.0.1:1234", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		"IPv6: a host has its network":            {"[2001:db8:1:2:3:4:5:6]:1234", nil, "2001:db8:1:2::/64"},
		"IPv6: through a reverse proxy":           {"[fd00::1]:1234", []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		"IPv6: with a port":                       {"[fd00::1]:1234", []string{"[2001:db8:1:2:3:4:5:6]:4711"}, "2001:db8:1:2::/64"},
		"IPv6: in brackets":                       {"[fd00::1]:1234", []string{"[2001:db8:1:2:3:4:5:6]"}, "2001:db8:1:2::/64"},
		"IPv6: of one address":                    {"[2001:db8:ffff::1]:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"IPv6: beside it, in its network":         {"[2001:db8:ffff::2]:1234", []string{"198.51.100.1"}, "2001:db8:ffff::/64"},
		"IPv6: a zone of the peer":                {"[fe80::1%eth0]:1234", nil, "fe80::/64"},
		"IPv4 within IPv6":                        {"[::ffff:10.0.0.1]:1234", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"IPv4 within IPv6, a stranger's":          {"[::ffff:203.0.113.9]:1234", []string{"198.51.100.1"}, "203.0.113.9"},
		"a peer that is not an address":           {"@", []string{"198.51.100.1"}, "@"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.header}}
			require.Equal(t, c.want, list.from(r))
		})
	}
}

// B64: all clients of a reverse proxy that is not listed count as one, and the log says so.
func TestB64UnlistedReverseProxyIsLogged(t *testing.T) {
	list, err := parseTrustedProxies([]string{"10.0.0.0/8"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		peer, header string
		want         bool
	}{
		"named":               {"10.0.0.1:1", "198.51.100.1", false},
		"not named":           {"172.17.0.2:1", "198.51.100.1", true},
		"on this machine":     {"[::1]:1", "198.51.100.1", true},
		"a user in the house": {"172.17.0.2:1", "", false},
		"a stranger":          {"203.0.113.9:1", "198.51.100.1", false},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": {c.header}}}
		_, got := list.unlisted(r)
		require.Equal(t, c.want, got, name)
	}
	var log strings.Builder
	p := &Proxy{cfg: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, trusted: list}
	for range 2 {
		p.hintReverseProxy(&http.Request{RemoteAddr: "172.17.0.2:1", Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}})
	}
	require.Equal(t, 1, strings.Count(log.String(), "--trusted-proxy 172.17.0.2"), log.String())
}

func TestTrustedProxyMustBeAnAddress(t *testing.T) {
	for _, s := range []string{"", "front.example", "10.0.0.0/33", "10.0.0.1:443", "*", "10.0.0.0-10.0.0.9", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104"} {
		_, err := parseTrustedProxies([]string{"10.0.0.1", s})
		require.ErrorContains(t, err, s)
	}
}

func TestB66AmbiguousTrustedProxyIsRefused(t *testing.T) {
	for given, says := range map[string]string{
		"10.0.0.7/8":          "write 10.0.0.0/8 for the network, or 10.0.0.7",
		"fd00::1/8":           "write fd00::/8",
		"10.0.0.7:443":        "write 10.0.0.7",
		"[fd00::1]:443":       "write fd00::1",
		"::ffff:10.0.0.7":     "write 10.0.0.7",
		"::ffff:10.0.0.7/104": "write 10.0.0.0/8",
		" 10.0.0.7":           "10.0.0.7 or fd00::/8",
	} {
		require.ErrorContains(t, CheckTrustedProxy(given), says, given)
	}
}
