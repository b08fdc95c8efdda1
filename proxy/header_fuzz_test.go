package proxy

import (
	"net/http"
	"net/netip"
	"testing"

	"attache/proxy/guests"

	"github.com/stretchr/testify/require"
)

// Whatever a stranger writes into X-Forwarded-For, the counted address is the peer's, or one
// that a trusted reverse proxy wrote.
func FuzzT5ForwardedForNamesOnlyTrustedAddresses(f *testing.F) {
	trusted, err := parseTrustedProxies([]string{"10.0.0.0/8", "fd00::/8"})
	require.NoError(f, err)
	f.Add("10.0.0.1:443", "203.0.113.9")
	f.Add("10.0.0.1:443", "198.51.100.1, 10.0.0.2")
	f.Add("203.0.113.9:1", "10.0.0.2")
	f.Add("[fd00::1]:1", "::ffff:1.2.3.4%eth0,,")
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		who := trusted.from(r)
		peer, ok := parseAddress(remote)
		if !ok {
			require.Equal(t, remote, who)
			return
		}
		if !trusted.trusts(peer) {
			require.Equal(t, guests.Network(peer), who, "a stranger's header is not trusted")
			return
		}
		_, err := netip.ParsePrefix(who)
		_, errAddr := netip.ParseAddr(who)
		require.True(t, err == nil || errAddr == nil, who)
	})
}

// An origin is compared byte for byte, and only listed ones get a header.
func FuzzT1OnlyListedOriginsGetAHeader(f *testing.F) {
	list, err := parseOrigins([]string{"https://desk.example", "http://localhost:8080"})
	require.NoError(f, err)
	for _, o := range []string{"https://desk.example", "https://desk.example.evil", "null", "", "HTTPS://desk.example", "http://localhost:8080"} {
		f.Add(o, "")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		header := http.Header{"Origin": {one}}
		if two != "" {
			header["Origin"] = append(header["Origin"], two)
		}
		allowed := list.allow(&http.Request{Header: header})
		require.Equal(t, two == "" && (one == "https://desk.example" || one == "http://localhost:8080"), allowed)
		if list, err := parseOrigins([]string{one}); err == nil {
			require.True(t, list.allow(&http.Request{Header: http.Header{"Origin": {one}}}), "an origin that a flag may name can match")
		}
	})
}
