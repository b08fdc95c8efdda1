package proxy

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"attache/bridge"
)

// Mounted returns next for serving at the root of a host behind reverse proxies: it cleans
// paths with [CleanPaths], and answers a path of the proxy's with 404 and a line in the
// log if it has a prefix that the reverse proxy should have removed.
func (p *Proxy) Mounted(next http.Handler) http.Handler {
	return CleanPaths(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if prefix := prefixed(r.URL.Path); prefix != "" {
			p.serveStray(w, r, prefix)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// prefixed returns the prefix of one of the proxy's paths; "" if it has none.
func prefixed(path string) string {
	for _, known := range []string{bridge.PathChat, bridge.PathData, bridge.PathWhy} {
		if before, ok := strings.CutSuffix(path, known); ok {
			return before
		}
	}
	return ""
}

// The page is sent the prefix as it arrived: a reverse proxy may have changed the one in
// the page's url.
type stray struct {
	Protocol string `json:"protocol"`
	Prefix   string `json:"prefix"`
}

// serveStray answers 404, and a page of any origin may read the reason.
func (p *Proxy) serveStray(w http.ResponseWriter, r *http.Request, prefix string) {
	prefix = prefix[:min(len(prefix), 64)]
	p.refusals.warn(p.cfg.Log, bridge.CodeUpgrade, "error", "the path has a prefix", "prefix", prefix, "origin", originOf(r), "address", p.trusted.from(r),
		"hint", "let the reverse proxy remove the prefix (nginx: location /prefix/ { proxy_pass http://proxy/; }), or correct the page's url")
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusNotFound)
	json.NewEncoder(w).Encode(stray{Protocol: bridge.Subprotocol, Prefix: prefix})
}

// CleanPaths serves a request whose path has double slashes or dots as if it had none.
// http.ServeMux would redirect it, and a browser does not follow a redirect of a WebSocket
// handshake, so the dial would fail without a reason. Reverse proxies send such paths
// easily: nginx sends //attache/chat for location /files and proxy_pass http://proxy/. The
// redirect would also lack the prefix that the reverse proxy has removed.
//
// The path is cleaned in its escaped form, so that a file's name, which is one escaped
// element and may have any characters, does not change.
func CleanPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		if clean := cleanPath(escaped); clean != escaped {
			if u, err := r.URL.Parse(clean); err == nil {
				u.RawQuery = r.URL.RawQuery
				r2 := *r
				r2.URL = u
				r = &r2
			}
		}
		next.ServeHTTP(w, r)
	})
}

func cleanPath(escaped string) string {
	clean := path.Clean("/" + escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}
