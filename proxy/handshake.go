package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"attache/bridge"
)

// admit checks the handshake of a WebSocket before anything else is done for it. If it
// returns false the request has been answered.
//
// A browser hides such an answer from its page, so the refusal is kept for a while: the
// page may ask why (PathWhy), and the log says what to change.
func (p *Proxy) admit(w http.ResponseWriter, r *http.Request) bool {
	lacks := missing(r)
	switch {
	case !p.origins.allow(r):
		p.refuse(w, r, bridge.NewError(bridge.CodeOrigin, ""))
	case len(lacks) > 0:
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		p.refuse(w, r, bridge.NewError(bridge.CodeUpgrade, "the request arrived without "+strings.Join(lacks, " and ")))
	default:
		p.refused.forget(dialer{p.trusted.from(r), named(r)})
		return true
	}
	return false
}

// missing returns what a request lacks to be a WebSocket handshake (RFC 6455 section
// 4.2.1), as far as a reverse proxy removes it: Upgrade and Connection concern one hop
// only, and HTTP/1.0 has neither.
func missing(r *http.Request) (lacks []string) {
	if !r.ProtoAtLeast(1, 1) {
		lacks = append(lacks, "HTTP/1.1")
	}
	if !names(r.Header, "Connection", "upgrade") {
		lacks = append(lacks, "Connection: Upgrade")
	}
	if !names(r.Header, "Upgrade", "websocket") {
		lacks = append(lacks, "Upgrade: websocket")
	}
	return lacks
}

// names reports whether a header that is a list has that word in it.
func names(h http.Header, header, word string) bool {
	for _, line := range h.Values(header) {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), word) {
				return true
			}
		}
	}
	return false
}

// dials reports whether a request without Upgrade came from a page that dials, and not
// from somebody who opened the address of the socket in a browser.
func dials(r *http.Request) bool {
	for name := range r.Header {
		if strings.HasPrefix(name, "Sec-Websocket-") {
			return true
		}
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode == "websocket" || mode == "" && r.Header.Get("Origin") != ""
}

// named is the origin that a request names, for the log and for the page that asks: at
// most maxOrigin bytes, whatever a stranger wrote; several are told as several.
func named(r *http.Request) string {
	all := r.Header.Values("Origin")
	if len(all) > 1 {
		return strconv.Itoa(len(all)) + " origins"
	}
	origin := strings.Join(all, "")
	if len(origin) > maxOrigin {
		origin = origin[:maxOrigin] + "…"
	}
	return strings.ToValidUTF8(origin, "?")
}

// maxOrigin is more than a host's name and a port can have.
const maxOrigin = 300
