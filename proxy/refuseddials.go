package proxy

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"attache/bridge"
)

// refusedDials remembers for a minute which dials were refused before they were sockets,
// so that their pages can ask why.
type refusedDials struct {
	mu     sync.Mutex
	recent map[dialer]refusedDial
}

// dialer is who was refused: pages of one origin behind one address are treated alike.
type dialer struct{ from, origin string }

type refusedDial struct {
	code  bridge.Code
	lacks []string // of the handshake
	at    time.Time
}

const (
	refusedTime = time.Minute
	refusedMost = 1024 // dialers; where none is older than a minute, all are forgotten for the next
)

func newRefusedDials() *refusedDials { return &refusedDials{recent: map[dialer]refusedDial{}} }

// note keeps a refused dial.
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

// last returns the dialer's newest refusal within a minute; zero if there is none.
func (t *refusedDials) last(d dialer, now time.Time) refusedDial {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.recent[d]; now.Sub(r.at) <= refusedTime {
		return r
	}
	return refusedDial{}
}

// forget drops the refusal of a dialer that got through since.
func (t *refusedDials) forget(d dialer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.recent, d)
}

// noteRefusedDial keeps the refusal of a dial, and returns attributes for its line in the
// log: where it came from, and what to change.
func (p *Proxy) noteRefusedDial(r *http.Request, code bridge.Code) (attributes []any) {
	d := dialer{p.trusted.from(r), named(r)}
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
		attributes = append(attributes, "hint", "have the reverse proxy pass it on; nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";")
	}
	return attributes
}

// originHint says what to do to let the pages of an origin in.
func originHint(origin string) string {
	switch {
	case origin == "":
		return "the request names no origin: a page's always does, so see whether a reverse proxy takes the header away"
	case CheckOrigin(origin) != nil:
		return "no page that can be listed has this origin"
	}
	return "if its pages may connect, start the proxy with --origin " + origin
}
