package gms

import (
	"net/http"
	"strings"
)

// pageHeaders are the request headers that pages of the listed origins may send. The API key is
// that of a gateway, and frameworks add X-Requested-With.
var pageHeaders = []string{"Content-Type", "apikey", "X-Requested-With", "Authorization"}

// cors lets a page of a listed origin read the reply, with cookies, and refuses every other
// page. Apps and servers send no Origin. done says that the request is answered.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) (done bool) {
	h := w.Header()
	h.Add("Vary", "Origin")
	if len(r.Header.Values("Origin")) > 0 {
		if !s.allowsOrigin(r) {
			s.answer(w, r, Reply{}, turnAway(http.StatusForbidden, "this page's origin is not on the list", "add the origin to the proxy's --origin option"))
			return true
		}
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Content-Disposition, Content-Length, Retry-After")
	}
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", strings.Join(append(pageHeaders[:len(pageHeaders):len(pageHeaders)], s.cfg.Headers...), ", "))
	h.Set("Access-Control-Max-Age", "600")
	h.Set("Allow", "GET, POST, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
	return true
}
