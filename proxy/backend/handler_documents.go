package backend

import (
	"errors"
	"io"
	"net/http"
	"time"

	"attache/bridge"
	"attache/proxy"
)

func (h *Handler) put(w http.ResponseWriter, r *http.Request) error {
	d, content, err := h.received(w, r)
	if err != nil {
		return err
	}
	id, err := h.cfg.Documents.Put(r.Context(), d, content)
	if err != nil {
		return bodyError(err)
	}
	return reply(w, wireStored{ID: id})
}

// update changes attributes; with a digest, also the bytes.
func (h *Handler) update(w http.ResponseWriter, r *http.Request) error {
	if d, err := decodeDocument(r.Header.Get(headerDocument)); err == nil && !d.HasDigest() {
		d.ID = r.PathValue("id")
		return replyEmpty(w, h.cfg.Updates.Update(r.Context(), d, nil))
	}
	d, content, err := h.received(w, r)
	if err != nil {
		return err
	}
	return replyEmpty(w, bodyError(h.cfg.Updates.Update(r.Context(), d, content)))
}

// received is the document that a request brings.
func (h *Handler) received(w http.ResponseWriter, r *http.Request) (proxy.Document, io.Reader, error) {
	d, err := decodeDocument(r.Header.Get(headerDocument))
	if err == nil && !d.HasDigest() {
		err = errors.New("a put document needs its SHA-256")
	}
	if err != nil {
		return d, nil, bridge.WrapError(bridge.CodeMessage, err)
	}
	if r.ContentLength >= 0 && r.ContentLength != d.Size {
		return d, nil, bridge.NewError(bridge.CodeDigest, "the body's length is not the one in "+headerDocument)
	}
	if most := h.cfg.MaxDocumentSize; most > 0 && d.Size > most {
		return d, nil, bridge.NewError(bridge.CodeFileSize, "the file has "+bridge.Bytes(d.Size)+", and a document may have "+bridge.Bytes(most))
	}
	d.ID = r.PathValue("id")
	return d, &deadlineReader{control: http.NewResponseController(w), body: http.MaxBytesReader(w, r.Body, d.Size)}, nil
}

// bodyError translates the error of a body that is too long.
func bodyError(err error) error {
	if longer := (*http.MaxBytesError)(nil); errors.As(err, &longer) {
		return bridge.WrapError(bridge.CodeDigest, err)
	}
	return err
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
	if d.HasDigest() {
		head.Set("ETag", `"`+d.Digest()+`"`)
	}
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

func (h *Handler) link(w http.ResponseWriter, r *http.Request) error {
	return replyEmpty(w, h.cfg.Links.Link(r.Context(), r.PathValue("id"), r.PathValue("link")))
}

func (h *Handler) unlink(w http.ResponseWriter, r *http.Request) error {
	return replyEmpty(w, h.cfg.Links.Unlink(r.Context(), r.PathValue("id"), r.PathValue("link")))
}
