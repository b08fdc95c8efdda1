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
		return bridge.NewError(bridge.CodeDigest, "the body's length is not the one in "+headerDocument)
	}
	d.ID = r.PathValue("id")
	content := &deadlineReader{control: http.NewResponseController(w), body: http.MaxBytesReader(w, r.Body, d.Size)}
	id, err := h.cfg.Documents.Put(r.Context(), d, content)
	if longer := (*http.MaxBytesError)(nil); errors.As(err, &longer) {
		return bridge.WrapError(bridge.CodeDigest, err)
	}
	if err != nil {
		return err
	}
	return reply(w, wireStored{ID: id})
}

// deadlineReader is a body with a deadline for each piece, but none for the whole.
type deadlineReader struct {
	control *http.ResponseController
	body    io.Reader
}

func (d *deadlineReader) Read(b []byte) (int, error) {
	d.control.SetReadDeadline(time.Now().Add(pieceTime))
	return d.body.Read(b)
}

// get serves GET and HEAD. The ETag for If-Range and If-None-Match is the digest.
func (h *Handler) get(w http.ResponseWriter, r *http.Request) error {
	content, err := h.cfg.Documents.Open(r.Context(), r.PathValue("id"))
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
	err := h.cfg.Documents.Remove(r.Context(), r.PathValue("id"))
	if bridge.CodeOf(err) == bridge.CodeDocument {
		err = nil // it is gone already
	}
	return replyEmpty(w, err)
}
