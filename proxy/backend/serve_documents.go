package backend

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"attache/bridge"
)

func (h *Handler) put(w http.ResponseWriter, r *http.Request) error {
	d, err := decodeDocument(r.Header.Get(headerDocument))
	if err != nil {
		return bridge.WrapError(bridge.CodeMessage, err)
	}
	if r.ContentLength >= 0 && r.ContentLength != d.Size {
		return bridge.NewError(bridge.CodeDigest, "the body has another length than "+headerDocument+" says")
	}
	d.ID = r.PathValue("id")
	content := &patient{control: http.NewResponseController(w), body: http.MaxBytesReader(w, r.Body, d.Size)}
	id, err := h.Documents.Put(r.Context(), d, content)
	if longer := (*http.MaxBytesError)(nil); errors.As(err, &longer) {
		return bridge.WrapError(bridge.CodeDigest, err)
	}
	if err != nil {
		return err
	}
	return answer(w, wireStored{ID: id})
}

// patient is a body whose sender may take as long as it likes for all of it, and
// not for one piece.
type patient struct {
	control *http.ResponseController
	body    io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	p.control.SetReadDeadline(time.Now().Add(writeTime))
	return p.body.Read(b)
}

// get answers GET and HEAD. If-Range and If-None-Match are the digest's.
func (h *Handler) get(w http.ResponseWriter, r *http.Request) error {
	content, err := h.Documents.Open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	defer content.Close()
	d := content.Document()
	header, err := encodeDocument(d)
	if err != nil {
		return bridge.AsError(err)
	}
	head := w.Header()
	head.Set("Content-Type", "application/octet-stream")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("ETag", `"`+hex.EncodeToString(d.SHA256[:])+`"`)
	head.Set(headerDocument, header)
	http.ServeContent(w, r, "", d.Created, content)
	return nil
}

func (h *Handler) remove(w http.ResponseWriter, r *http.Request) error {
	err := h.Documents.Remove(r.Context(), r.PathValue("id"))
	if bridge.CodeOf(err) == bridge.CodeDocument {
		err = nil // it is gone, and that is what was wanted
	}
	return done(w, err)
}
