package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"attache/bridge"
)

// admit checks the handshake of a WebSocket before anything else is done. If it returns
// false the request has been answered.
//
// A browser hides the answer from its page, so the refusal is remembered for a while: the
// page may ask for the reason (PathWhy), and the log says what to change.
func (p *Proxy) admit(w http.ResponseWriter, r *http.Request) bool {
	lacks := missing(r)
	switch {
	case !p.origins.allow(r):
		p.replyError(w, r, bridge.NewError(bridge.CodeOrigin, ""))
	case len(lacks) > 0:
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		p.replyError(w, r, bridge.NewError(bridge.CodeUpgrade, "the request arrived without "+strings.Join(lacks, " and ")))
	default:
		p.refused.forget(dialer{p.trusted.from(r), originOf(r)})
		return true
	}
	return false
}

// missing returns the parts of a WebSocket handshake (RFC 6455 section 4.2.1) that a request
// lacks, of those that a reverse proxy removes: Upgrade and Connection are for one hop
// only, and HTTP/1.0 has neither.
func missing(r *http.Request) (lacks []string) {
	if !r.ProtoAtLeast(1, 1) {
		lacks = append(lacks, "HTTP/1.1")
	}
	if !hasWord(r.Header, "Connection", "upgrade") {
		lacks = append(lacks, "Connection: Upgrade")
	}
	if !hasWord(r.Header, "Upgrade", "websocket") {
		lacks = append(lacks, "Upgrade: websocket")
	}
	return lacks
}

// hasWord reports whether a header that is a list contains that word.
func hasWord(h http.Header, header, word string) bool {
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
// from a browser in which a person opened the socket's address.
func dials(r *http.Request) bool {
	for name := range r.Header {
		if strings.HasPrefix(name, "Sec-Websocket-") {
			return true
		}
	}
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode == "websocket" || mode == "" && r.Header.Get("Origin") != ""
}

// originOf returns the request's origin for the log and the page, cut to maxOrigin
// bytes because a client may send anything. If the request has several, it returns
// their number.
func originOf(r *http.Request) string {
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

// maxOrigin is more than the longest host name and port.
const maxOrigin = 300
