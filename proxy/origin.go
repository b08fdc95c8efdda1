package proxy

import (
	"errors"
	"fmt"
	"net/http"
)

// origins is the exact list of page origins. The library's own check accepts a missing
// Origin, and any scheme of the request's host; this one accepts neither.
type origins map[string]bool

func parseOrigins(list []string) (origins, error) {
	out := origins{}
	var wrong []error
	for _, o := range list {
		if err := CheckOrigin(o); err != nil {
			wrong = append(wrong, fmt.Errorf("origin %w", err))
		}
		out[o] = true
	}
	return out, errors.Join(wrong...)
}

// allow reports whether the request has exactly one origin, and that is listed.
func (list origins) allow(r *http.Request) bool {
	named := r.Header.Values("Origin")
	return len(named) == 1 && list[named[0]]
}

// cors lets a listed page read the response and the headers it needs. Any other page can
// still follow the link, but cannot read the response.
func (p *Proxy) cors(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Origin")
	if !p.origins.allow(r) {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Retry-After")
	if p.cfg.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match")
		h.Set("Access-Control-Max-Age", "600")
	}
}

// AllowsOrigin reports whether the request comes from a page of the list; another front door
// answers such pages too.
func (p *Proxy) AllowsOrigin(r *http.Request) bool { return p.origins.allow(r) }
