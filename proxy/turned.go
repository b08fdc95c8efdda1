package proxy

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"attache/bridge"
)

// turnedAway remembers for a minute which dials were refused before they were sockets, so
// that their pages can ask why.
type turnedAway struct {
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
	turnedTime = time.Minute
	turnedMost = 1024 // dialers; where none is older than a minute, all are forgotten for the next
)

func newTurnedAway() *turnedAway { return &turnedAway{recent: map[dialer]refusedDial{}} }

// note keeps a refused dial.
func (t *turnedAway) note(d dialer, why refusedDial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.recent[d]; !known && len(t.recent) >= turnedMost {
		maps.DeleteFunc(t.recent, func(_ dialer, r refusedDial) bool { return why.at.Sub(r.at) > turnedTime })
		if len(t.recent) >= turnedMost {
			clear(t.recent)
		}
	}
	t.recent[d] = why
}

// last returns the dialer's newest refusal within a minute; zero if there is none.
func (t *turnedAway) last(d dialer, now time.Time) refusedDial {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.recent[d]; now.Sub(r.at) <= turnedTime {
		return r
	}
	return refusedDial{}
}

// forget drops the refusal of a dialer that got through since.
func (t *turnedAway) forget(d dialer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.recent, d)
}

// turn keeps the refusal of a dial, and returns attributes for its line in the log: where
// it came from, and what to change.
func (p *Proxy) turn(r *http.Request, code bridge.Code) (attributes []any) {
	d := dialer{p.fronts.from(r), named(r)}
	why := refusedDial{code: code, at: time.Now()}
	if dials(r) {
		why.lacks = missing(r)
	}
	p.turned.note(d, why)
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
