package backend

import (
	"net/http"
	"strconv"

	"attache/bridge"
)

// findResponses answers with a page of the library of standard responses.
func (h *Handler) findResponses(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	most, err := strconv.Atoi(q.Get("max"))
	if err != nil || most < 1 {
		return bridge.NewError(bridge.CodeMessage, "max is a number from 1")
	}
	found, more, err := h.cfg.Library.Find(r.Context(), q.Get("words"), q.Get("after"), min(most, bridge.MaxFound))
	if err != nil {
		return err
	}
	out := wireResponses{Responses: make([]wireResponse, len(found)), More: more}
	for i, f := range found {
		out.Responses[i] = wireResponse(f)
	}
	return reply(w, out)
}

// response answers 204 if the document is in the library, and in the store.
func (h *Handler) response(w http.ResponseWriter, r *http.Request) error {
	_, _, err := h.cfg.Library.Document(r.Context(), r.PathValue("id"))
	return replyEmpty(w, err)
}
