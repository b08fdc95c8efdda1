package gms

import (
	"net/http"
	"net/url"
)

// fromApp reports whether a request has an origin that no page can have: some WebSocket libraries
// of apps (Starscream, which the vendor's iOS library uses) name the URL that they dial. A page's
// origin begins with http, https or the name of an extension.
func fromApp(r *http.Request) bool {
	named := r.Header.Values("Origin")
	if len(named) != 1 {
		return false
	}
	u, err := url.Parse(named[0])
	return err == nil && (u.Scheme == "ws" || u.Scheme == "wss") && u.Host == r.Host
}

// allowsOrigin reports whether a request that names an origin may be answered.
func (s *Server) allowsOrigin(r *http.Request) bool { return s.proxy.AllowsOrigin(r) || fromApp(r) }
