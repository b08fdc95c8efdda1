package cli

import (
	"net"
	"net/http"
	"strings"
)

// onlyTLS tells browsers to use TLS only, for a year (RFC 6797). It is for
// listeners with a certificate of their own; a reverse proxy says so for itself.
// Loopback names are left out: the browser would apply it to every port there.
func onlyTLS(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host != "localhost" && !strings.HasSuffix(host, ".localhost") {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		h.ServeHTTP(w, r)
	})
}
