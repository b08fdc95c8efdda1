package backend

import "net/http"

func (h *Handler) active(w http.ResponseWriter, r *http.Request) error {
	h.activities.Active(r.PathValue("session"), r.PathValue("user"))
	return replyEmpty(w, nil)
}
