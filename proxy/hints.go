package proxy

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"attache/bridge"
)

// hints are what an operator is told once, because it works in a way that nobody wants.
type hints struct{ front, right, end sync.Once }

// hintReverseProxy logs that everybody who connects through a reverse proxy counts as one.
func (p *Proxy) hintReverseProxy(r *http.Request) {
	if a, is := p.trusted.unnamed(r); is {
		p.hints.front.Do(func() {
			p.cfg.Log.Warn("X-Forwarded-For is not trusted, so everybody who connects from this address counts as one", "address", a,
				"hint", "if it is a reverse proxy of yours, start the proxy with --trusted-proxy "+a.String())
		})
	}
}

// distantEnd is how far off a token's end is a mistake: whoever writes milliseconds into exp,
// which has seconds (RFC 7519, section 4.1.4), makes tokens for 55,000 years. It is well
// below the hundred years at which the authenticator cuts every end off.
const distantEnd = 50 * 365 * 24 * time.Hour

// hintToken logs claims of a valid token that its maker cannot have meant.
func (p *Proxy) hintToken(who Identity, now time.Time) {
	if who.Expires.After(now.Add(distantEnd)) {
		p.hints.end.Do(func() {
			p.cfg.Log.Warn("a token expires more than fifty years from now", "session", who.Session, "user", who.Party.UserID,
				"hint", "exp is in seconds since 1970, not in milliseconds")
		})
	}
	for _, right := range who.Rights {
		if !slices.Contains(bridge.AllRights, right) {
			p.hints.right.Do(func() {
				p.cfg.Log.Warn("a token has a right that does not exist", "right", right[:min(len(right), 64)], "session", who.Session, "user", who.Party.UserID, "rights", bridge.AllRights)
			})
		}
	}
}
