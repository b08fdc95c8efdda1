package proxy

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"attache/bridge"

	"golang.org/x/time/rate"
)

// turnedAway remembers for a minute which dials were refused before they were sockets, so
// that their pages can ask why, and bounds what the log has of them: they come from
// strangers, as often as they like.
type turnedAway struct {
	mu     sync.Mutex
	recent map[dialer]refusedDial
	log    *rate.Limiter
	unsaid int
}

// dialer is who is asked about: pages of one origin behind one address share their fate.
type dialer struct{ from, origin string }

type refusedDial struct {
	code  bridge.Code
	lacks []string // of the handshake
	at    time.Time
}

const (
	turnedTime  = time.Minute
	turnedMost  = 1024 // dialers; beyond, the oldest minute's are forgotten early
	turnedLines = 20   // lines of the log at once
	turnedRate  = 1    // and one more a second
)

func newTurnedAway() *turnedAway {
	return &turnedAway{recent: map[dialer]refusedDial{}, log: rate.NewLimiter(turnedRate, turnedLines)}
}

// note keeps a refused dial, and returns whether the log may have a line of it, with how
// many had none since the last one.
func (t *turnedAway) note(d dialer, why refusedDial) (say bool, unsaid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.recent[d]; !known && len(t.recent) >= turnedMost {
		maps.DeleteFunc(t.recent, func(_ dialer, r refusedDial) bool { return why.at.Sub(r.at) > turnedTime })
		if len(t.recent) >= turnedMost {
			clear(t.recent)
		}
	}
	t.recent[d] = why
	if !t.log.AllowN(why.at, 1) {
		t.unsaid++
		return false, 0
	}
	unsaid, t.unsaid = t.unsaid, 0
	return true, unsaid
}

// last is the newest refusal of that dialer within a minute; zero where there is none.
func (t *turnedAway) last(d dialer, now time.Time) refusedDial {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.recent[d]; now.Sub(r.at) <= turnedTime {
		return r
	}
	return refusedDial{}
}

// forget is told of a dial that got through: what was wrong has been mended.
func (t *turnedAway) forget(d dialer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.recent, d)
}

// turn keeps the refusal of a dial, and reports whether the log may have a line of it; its
// attributes say what to change.
func (p *Proxy) turn(r *http.Request, code bridge.Code) (say bool, more []any) {
	d := dialer{p.fronts.from(r), named(r)}
	why := refusedDial{code: code, at: time.Now()}
	if dials(r) {
		why.lacks = missing(r)
	}
	say, unsaid := p.turned.note(d, why)
	more = []any{"origin", d.origin, "address", d.from}
	switch code {
	case bridge.CodeOrigin:
		more = append(more, "hint", originHint(d.origin))
	case bridge.CodeUpgrade:
		more = append(more, "hint", "have the reverse proxy pass it on; nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";")
	}
	if unsaid > 0 {
		more = append(more, "unsaid", unsaid)
	}
	return say, more
}

// originHint says how the pages of an origin would be let in.
func originHint(origin string) string {
	switch {
	case origin == "":
		return "the request names no origin: a page's always does, so see whether a reverse proxy takes the header away"
	case CheckOrigin(origin) != nil:
		return "no page that can be listed has this origin"
	}
	return "if its pages may connect, start the proxy with --origin " + origin
}
