package proxy

import (
	"net/http"

	"attache/bridge"
)

// replyError answers an HTTP request with an error as JSON.
func (p *Proxy) replyError(w http.ResponseWriter, r *http.Request, err error) {
	e := *bridge.AsError(err)
	e.ID = newID()
	attributes := []any{"request", e.ID, "method", r.Method, "error", err}
	if r.URL.Path == bridge.PathChat || r.URL.Path == bridge.PathData {
		attributes = append(attributes, p.noteRefusedDial(r, e.Code)...)
	}
	p.refusals.warn(p.cfg.Log, e.Code, attributes...)
	p.cors(w, r)
	h := w.Header()
	if status(e.Code) == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if follows(r) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.WriteHeader(status(e.Code))
	w.Write(bridge.AppendError(nil, &e))
}

// follows reports whether a page's link was followed in the page's own window. The answer
// is then empty, which leaves the page as it is: an error would replace a chat, with
// everything written in it. A person who types an address in gets the error.
func follows(r *http.Request) bool {
	h := r.Header
	return h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document" && h.Get("Sec-Fetch-Site") != "none"
}

// status is the HTTP status for browsers. It differs on purpose from that of the backend contract,
// whose reader is a proxy (backend/handler.go).
func status(c bridge.Code) int {
	switch c {
	case bridge.CodeOrigin, bridge.CodeForbidden, bridge.CodeTicketInvalid, bridge.CodeNotJoined, bridge.CodeSessionEnded,
		bridge.CodeInfected, bridge.CodeUnscannable:
		return http.StatusForbidden
	case bridge.CodeTicketExpired:
		return http.StatusGone
	case bridge.CodeDocument, bridge.CodeFileUnknown:
		return http.StatusNotFound
	case bridge.CodeDocumentChanged:
		return http.StatusConflict
	case bridge.CodeBusy, bridge.CodeStorageUnavailable, bridge.CodeChatUnavailable, bridge.CodeScannerOffline:
		return http.StatusServiceUnavailable
	case bridge.CodeMessage:
		return http.StatusBadRequest
	case bridge.CodeUpgrade:
		return http.StatusUpgradeRequired
	}
	return http.StatusInternalServerError
}
