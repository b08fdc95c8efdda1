package proxy

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"attache/bridge"
)

// refusedDials remembers for a minute the dials that were refused before they were sockets,
// so that their pages can ask for the reason.
type refusedDials struct {
	mu     sync.Mutex
	recent map[dialer]refusedDial
}

// dialer identifies pages of one origin at one address, which are treated alike.
type dialer struct{ from, origin string }

type refusedDial struct {
	code  bridge.Code
	lacks []string // parts that the handshake lacked
	at    time.Time
}

const (
	refusedTime = time.Minute
	refusedMost = 1024 // dialers; if none is older than a minute, the next one clears all
)

func newRefusedDials() *refusedDials { return &refusedDials{recent: map[dialer]refusedDial{}} }

// note remembers a refused dial.
func (t *refusedDials) note(d dialer, why refusedDial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.recent[d]; !known && len(t.recent) >= refusedMost {
		maps.DeleteFunc(t.recent, func(_ dialer, r refusedDial) bool { return why.at.Sub(r.at) > refusedTime })
		if len(t.recent) >= refusedMost {
			clear(t.recent)
		}
	}
	t.recent[d] = why
}

// last returns the dialer's newest refusal within the last minute, or the zero value.
func (t *refusedDials) last(d dialer, now time.Time) refusedDial {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.recent[d]; now.Sub(r.at) <= refusedTime {
		return r
	}
	return refusedDial{}
}

// forget drops the refusal of a dialer that has connected since.
func (t *refusedDials) forget(d dialer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.recent, d)
}

// noteRefusedDial remembers a refused dial, and returns attributes for its line in the log:
// where it came from, and what to change.
func (p *Proxy) noteRefusedDial(r *http.Request, code bridge.Code) (attributes []any) {
	d := dialer{p.trusted.from(r), originOf(r)}
	why := refusedDial{code: code, at: time.Now()}
	if dials(r) {
		why.lacks = missing(r)
	}
	p.refused.note(d, why)
	attributes = []any{"origin", d.origin, "address", d.from}
	switch code {
	case bridge.CodeOrigin:
		attributes = append(attributes, "hint", originHint(d.origin))
	case bridge.CodeUpgrade:
		attributes = append(attributes, "hint", "let the reverse proxy pass it on; nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";")
	}
	return attributes
}

// originHint says what to do so that pages of an origin may connect.
func originHint(origin string) string {
	switch {
	case origin == "":
		return "the request has no Origin header, which a page always sends: check whether a reverse proxy removes it"
	case CheckOrigin(origin) != nil:
		return "no page that can be listed has this origin"
	}
	return "if its pages may connect, start the proxy with --origin " + origin
}
