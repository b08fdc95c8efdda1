package proxy

import (
	"encoding/json"
	"net/http"
	"time"

	"attache/bridge"
)

// why is sent to a page whose dial failed. It contains nothing that the page does not know
// or could not find out by dialling: no other origin, no flag, no release.
type why struct {
	Protocol string      `json:"protocol"`
	Time     int64       `json:"time"`              // milliseconds since 1970, the proxy's clock
	Origin   string      `json:"origin"`            // of the asking page, as it arrived
	Allowed  bool        `json:"allowed"`           // whether that origin may connect
	Refused  bridge.Code `json:"refused,omitempty"` // the last dial from there, within a minute
	Missing  []string    `json:"missing,omitempty"` // of that dial's handshake
	Draining bool        `json:"draining,omitempty"`
}

// serveWhy serves pages of any origin, because the page that most needs it is one that was
// refused. A browser sends Origin with a POST even to its own origin; with a GET it does
// not.
func (p *Proxy) serveWhy(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	now := time.Now()
	d := dialer{p.trusted.from(r), originOf(r)}
	if !p.whyRates.Allow(d.from, 1) {
		h.Set("Retry-After", "10")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	last := p.refused.last(d, now)
	h.Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(why{
		Protocol: bridge.Subprotocol, Time: now.UnixMilli(), Origin: d.origin, Allowed: p.origins.allow(r),
		Refused: last.code, Missing: last.lacks, Draining: p.draining.Err() != nil,
	})
}

// How often an address may ask. Many pages may share one.
const (
	whyMost  = 4096 // addresses known at a time
	whyBurst = 64
	whyRate  = 8 // a second, once the burst is used up
)
