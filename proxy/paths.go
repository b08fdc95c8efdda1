package proxy

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"attache/bridge"
)

// Mounted returns next for serving at the root of a host, behind reverse proxies: paths are
// cleaned by [CleanPaths], and if one of the proxy's own paths has a prefix, which the reverse
// proxy should have removed, the request is answered with 404 and the log says so.
func (p *Proxy) Mounted(next http.Handler) http.Handler {
	return CleanPaths(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if prefix := prefixed(r.URL.Path); prefix != "" {
			p.serveStray(w, r, prefix)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// prefixed returns what stands before a path of the wire; "" where nothing does.
func prefixed(path string) string {
	for _, known := range []string{bridge.PathChat, bridge.PathData, bridge.PathWhy} {
		if before, ok := strings.CutSuffix(path, known); ok {
			return before
		}
	}
	return ""
}

// A page that asks why gets the prefix as it arrived: a reverse proxy may have changed the
// one that stands in the page's url.
type stray struct {
	Protocol string `json:"protocol"`
	Prefix   string `json:"prefix"`
}

// serveStray answers 404, readable for any page that asks why.
func (p *Proxy) serveStray(w http.ResponseWriter, r *http.Request, prefix string) {
	prefix = prefix[:min(len(prefix), 64)]
	p.refusals.warn(p.cfg.Log, bridge.CodeUpgrade, "error", "the path has a prefix", "prefix", prefix, "origin", named(r), "address", p.trusted.from(r),
		"hint", "have the reverse proxy take the prefix away (nginx: location /prefix/ { proxy_pass http://proxy/; }), or correct the page's url")
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusNotFound)
	json.NewEncoder(w).Encode(stray{Protocol: bridge.Subprotocol, Prefix: prefix})
}

// CleanPaths serves a request whose path has doubled slashes or dots as if it had none.
// http.ServeMux redirects such a request, and a browser follows no redirect of a WebSocket
// handshake, so the dial would fail without a word. A reverse proxy writes such paths easily:
// nginx sends //attache/chat with location /files and proxy_pass http://proxy/. Besides, the
// redirect would lead out of the prefix that the reverse proxy has taken away.
//
// The path is cleaned in its escaped form, so that a file's name, which is one escaped
// element and may hold anything, stays as it is.
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
