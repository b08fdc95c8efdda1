package backend

import (
	"encoding/json"
	"net/http"

	"attache/bridge"
)

func (h *Handler) join(w http.ResponseWriter, r *http.Request) error {
	var wanted wireParty
	if err := read(w, r, &wanted); err != nil {
		return err
	}
	p := wanted.party()
	if err := p.Check(); err != nil {
		return err
	}
	joined, err := h.Chat.Join(r.Context(), r.PathValue("session"), p)
	if err != nil {
		return err
	}
	return answer(w, wireJoined{
		Party: wireParty(joined.Party), Limits: bridge.AppendLimits(nil, joined.Limits), Position: joined.Position,
	})
}

func (h *Handler) leave(w http.ResponseWriter, r *http.Request) error {
	var l wireLeave
	if err := read(w, r, &l); err != nil {
		return err
	}
	switch l.After {
	case "":
		l.After = bridge.KeepAlive
	case bridge.KeepAlive, bridge.CloseIfNoAgents, bridge.ForceClose:
	default:
		return bridge.NewError(bridge.CodeMessage, "after is keep-alive, close-if-no-agents or force-close")
	}
	err := h.Chat.Leave(r.Context(), r.PathValue("session"), r.PathValue("user"), bridge.Reason{Code: l.Code, Text: l.Text}, l.After)
	return done(w, err)
}

// post takes an event; who sends it, when, and as which, the chat server says.
func (h *Handler) post(w http.ResponseWriter, r *http.Request) error {
	var e event
	if err := read(w, r, &e); err != nil {
		return err
	}
	stored, err := h.Chat.Post(r.Context(), r.PathValue("session"), r.PathValue("user"), e.Event)
	if err != nil {
		return err
	}
	return answer(w, &event{stored})
}

func (h *Handler) file(w http.ResponseWriter, r *http.Request) error {
	e, err := h.Chat.File(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("file"))
	if err != nil {
		return err
	}
	return answer(w, &event{e})
}

func (h *Handler) find(w http.ResponseWriter, r *http.Request) error {
	e, found, err := h.Chat.FindKey(r.Context(), r.PathValue("session"), r.PathValue("key"))
	if err != nil {
		return err
	}
	var out wireFound
	if found {
		out.Event = &event{e}
	}
	return answer(w, out)
}

func (h *Handler) limits(w http.ResponseWriter, r *http.Request) error {
	l, err := h.allowances.Limits(r.Context(), r.PathValue("session"), r.PathValue("user"))
	if err != nil {
		return err
	}
	return answer(w, json.RawMessage(bridge.AppendLimits(nil, l)))
}

func (h *Handler) reserve(w http.ResponseWriter, r *http.Request) error {
	var wanted wireReservation
	if err := read(w, r, &wanted); err != nil {
		return err
	}
	err := h.allowances.Reserve(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("key"), wanted.Name, wanted.Size)
	return done(w, err)
}

func (h *Handler) release(w http.ResponseWriter, r *http.Request) error {
	return done(w, h.allowances.Release(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("key")))
}

func (h *Handler) attempt(w http.ResponseWriter, r *http.Request) error {
	var wanted wireAttempt
	if err := read(w, r, &wanted); err != nil {
		return err
	}
	err := h.allowances.Attempt(r.Context(), r.PathValue("session"), r.PathValue("user"), r.PathValue("key"), wanted.FileID)
	return done(w, err)
}
