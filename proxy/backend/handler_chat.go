package backend

import (
	"encoding/json"
	"net/http"

	"attache/bridge"
	"attache/proxy"
)

func (h *Handler) join(w http.ResponseWriter, r *http.Request) error {
	var wanted wireJoin
	if err := readJSON(w, r, &wanted); err != nil {
		return err
	}
	j, err := wanted.joining().Prepared()
	if err != nil {
		return err
	}
	joined, err := h.cfg.Chat.Join(r.Context(), r.PathValue("session"), j)
	if err != nil {
		return err
	}
	return reply(w, wireJoined{
		Party: newWireParty(joined.Party), Limits: bridge.AppendLimits(nil, joined.Limits), Position: joined.Position,
		SecureKey: joined.SecureKey, Attached: joined.Attached, Started: joined.Started, Saved: joined.Saved,
		IdleExpires: joined.IdleExpires, Monitored: joined.Monitored,
	})
}

func (h *Handler) leave(w http.ResponseWriter, r *http.Request) error {
	var l wireLeave
	if err := readJSON(w, r, &l); err != nil {
		return err
	}
	switch l.After {
	case "":
		l.After = bridge.KeepAlive
	case bridge.KeepAlive, bridge.CloseIfNoAgents, bridge.ForceClose:
	default:
		return bridge.NewError(bridge.CodeMessage, "after is keep-alive, close-if-no-agents or force-close")
	}
	err := h.cfg.Chat.Leave(r.Context(), r.PathValue("session"), r.PathValue("user"), proxy.Departure{
		Reason: bridge.Reason{Code: l.Code, Text: l.Text}, After: l.After, Asker: l.Asker, Text: l.Message, Attributes: l.Attributes, ByProxy: l.ByProxy,
	})
	return replyEmpty(w, err)
}

// post posts an event. Chat Server sets its sender, time and id.
func (h *Handler) post(w http.ResponseWriter, r *http.Request) error {
	var e event
	if err := readJSON(w, r, &e); err != nil {
		return err
	}
	e.Vouched, e.Access = false, nil // not a client's to say
	stored, err := h.cfg.Chat.Post(r.Context(), r.PathValue("session"), r.PathValue("user"), e.Event)
	if err != nil {
		return err
	}
	return reply(w, h.sent(stored))
}

func (h *Handler) file(w http.ResponseWriter, r *http.Request) error {
	e, err := h.cfg.Chat.File(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("file"))
	if err != nil {
		return err
	}
	return reply(w, h.sent(e))
}

func (h *Handler) find(w http.ResponseWriter, r *http.Request) error {
	e, found, err := h.cfg.Chat.FindKey(r.Context(), r.PathValue("session"), r.PathValue("key"))
	if err != nil {
		return err
	}
	var out wireFound
	if found {
		out.Event = h.sent(e)
	}
	return reply(w, out)
}

func (h *Handler) limits(w http.ResponseWriter, r *http.Request) error {
	l, err := h.allowances.Limits(r.Context(), r.PathValue("session"), r.PathValue("user"))
	if err != nil {
		return err
	}
	return reply(w, json.RawMessage(bridge.AppendLimits(nil, l)))
}

func (h *Handler) reserve(w http.ResponseWriter, r *http.Request) error {
	var wanted wireReservation
	if err := readJSON(w, r, &wanted); err != nil {
		return err
	}
	err := h.allowances.Reserve(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("key"), wanted.Name, wanted.Size)
	return replyEmpty(w, err)
}

func (h *Handler) correct(w http.ResponseWriter, r *http.Request) error {
	var wanted wireCorrection
	if err := readJSON(w, r, &wanted); err != nil {
		return err
	}
	err := h.allowances.Correct(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("key"), wanted.Size)
	return replyEmpty(w, err)
}

func (h *Handler) release(w http.ResponseWriter, r *http.Request) error {
	return replyEmpty(w, h.allowances.Release(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("key")))
}

func (h *Handler) attempt(w http.ResponseWriter, r *http.Request) error {
	var wanted wireAttempt
	if err := readJSON(w, r, &wanted); err != nil {
		return err
	}
	err := h.allowances.Attempt(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("key"), wanted.FileID)
	return replyEmpty(w, err)
}
