package bayeux

import (
	"crypto/rand"
	"net/http"
)

// cookieName is that of CometD's server. The cookie says which clients are of one browser, and
// which requests beside CometD are of the browser of a client; it grants nothing.
const cookieName = "BAYEUX_BROWSER"

// browserOf returns the value of the request's cookie, if it may be one of ours.
func browserOf(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil || len(c.Value) != len(rand.Text()) {
		return ""
	}
	return c.Value
}

// mark gives the browser a cookie, if it has none, and returns its value.
func (s *Server) mark(w http.ResponseWriter, r *http.Request) string {
	if browser := browserOf(r); browser != "" {
		return browser
	}
	c := http.Cookie{Name: cookieName, Value: rand.Text(), Path: "/", HttpOnly: true}
	if s.options.Secure(r) {
		// Pages of other sites are the usual case, and SameSite=None needs Secure.
		c.Secure, c.SameSite = true, http.SameSiteNoneMode
	}
	http.SetCookie(w, &c)
	return c.Value
}
