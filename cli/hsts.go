package cli

import (
	"net"
	"net/http"
	"strings"
)

// strictTransport makes browsers use only TLS for a year (HSTS, RFC 6797). It applies to
// listeners with a certificate of their own; a reverse proxy sends its own header.
// Loopback names are left out, because browsers would apply it to every port there.
func strictTransport(h http.Handler) http.Handler {
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
