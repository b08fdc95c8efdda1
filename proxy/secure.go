package proxy

import (
	"net/http"
	"strings"
)

// Secure reports whether the client uses https: with this process, or with a trusted reverse
// proxy that says so in X-Forwarded-Proto.
func (p *Proxy) Secure(r *http.Request) bool {
	peer, ok := parseAddress(r.RemoteAddr)
	return r.TLS != nil || ok && p.trusted.trusts(peer) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
