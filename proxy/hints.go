package proxy

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"attache/bridge"
)

// hints are warnings to the operator, each logged once, about settings that work but
// are hardly intended.
type hints struct{ reverseProxy, right, expiry sync.Once }

// hintReverseProxy warns that all clients of a reverse proxy count as one address.
func (p *Proxy) hintReverseProxy(r *http.Request) {
	if a, is := p.trusted.unlisted(r); is {
		p.hints.reverseProxy.Do(func() {
			p.cfg.Log.Warn("X-Forwarded-For is not trusted, so all clients that connect from this address count as one", "address", a,
				"hint", "if it is your reverse proxy, start the proxy with --trusted-proxy "+a.String())
		})
	}
}

// farExpiry is how far away a token's expiry is certainly a mistake: exp is in seconds (RFC
// 7519, section 4.1.4), and an exp in milliseconds is 55,000 years away. It is well below
// the hundred years to which the authenticator limits every expiry.
const farExpiry = 50 * 365 * 24 * time.Hour

// hintToken warns of claims of a valid token that its issuer cannot have intended.
func (p *Proxy) hintToken(who Identity, now time.Time) {
	if who.Expires.After(now.Add(farExpiry)) {
		p.hints.expiry.Do(func() {
			p.cfg.Log.Warn("a token expires more than fifty years from now", "session", who.Session, "user", who.Party.UserID,
				"hint", "exp is in seconds since 1970, not in milliseconds")
		})
	}
	for _, right := range who.Rights {
		if !slices.Contains(bridge.AllRights, right) && !slices.Contains(bridge.TranscriptRights, right) {
			p.hints.right.Do(func() {
				p.cfg.Log.Warn("a token has a right that does not exist", "right", right[:min(len(right), 64)], "session", who.Session, "user", who.Party.UserID, "rights", bridge.AllRights)
			})
		}
	}
}
