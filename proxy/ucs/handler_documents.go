package ucs

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"attache/proxy"
)

// add answers AddDocument.
func (h *Handler) add(w http.ResponseWriter, r *http.Request) error {
	b, err := h.receive(r, false)
	defer b.discard(r.Context())
	if err != nil {
		return err
	}
	request := AddDocument{
		InteractionID: b.optional(memberInteraction), DocumentID: b.optional(memberDocument),
		MimeType: b.text(memberType), TheName: b.text(memberName), Description: b.optional(memberDescription),
		TheSize: b.size(), Staged: b.staged,
	}
	if b.err != nil {
		return b.err
	}
	id, err := h.cfg.Documents.Add(r.Context(), request)
	if err != nil {
		return err
	}
	h.cfg.Log.Info("document added through UCS's interface", "document", id, "linked", request.DocumentID != "")
	return h.replyMembers(w, member{memberDocument, id})
}

// update answers UpdateDocument.
func (h *Handler) update(w http.ResponseWriter, r *http.Request) error {
	b, err := h.receive(r, true)
	defer b.discard(r.Context())
	if err != nil {
		return err
	}
	request := UpdateDocument{
		DocumentID: b.optional(memberDocument), MimeType: b.text(memberType), TheName: b.text(memberName),
		Description: b.text(memberDescription), TheSize: b.size(), Staged: b.staged,
	}
	if b.err != nil {
		return b.err
	}
	if err := h.cfg.Documents.Update(r.Context(), request); err != nil {
		return err
	}
	h.cfg.Log.Info("document updated through UCS's interface", "document", request.DocumentID, "content", request.Staged != nil)
	return h.replyMembers(w)
}

// body is a request's message, and its content, which is staged where it comes.
type body struct {
	documents *Documents
	message   message
	staged    *Staged
	err       error // the first one of a member
}

func (h *Handler) receive(r *http.Request, update bool) (*body, error) {
	b := &body{documents: h.cfg.Documents}
	in := messageReader{groups: []string{groupParameters}, content: func(m message, content io.Reader) (err error) {
		b.message = m
		size, id := b.size(), ""
		if update {
			id = b.optional(memberDocument)
		}
		if err := errors.Join(b.err, checkOptional(id)); err != nil {
			return err
		}
		b.staged, err = h.cfg.Documents.Stage(r.Context(), id, size, content)
		return err
	}}
	m, err := in.read(r.Body)
	b.message = m
	if errors.Is(err, errSyntax) || errors.Is(err, errTooLarge) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = &Error{Fault: IncorrectParameterType, Err: err}
	}
	if err == nil && m.get(memberContent).kind != absent {
		err = &Error{Fault: IncorrectParameterType, Parameter: memberContent}
	}
	if errors.Is(err, errBase64) {
		err = &Error{Fault: IncorrectParameterValue, Parameter: memberContent, Err: err}
	}
	return b, err
}

func checkOptional(id string) error {
	if id == "" {
		return nil
	}
	return checkID(id)
}

func (b *body) discard(ctx context.Context) { b.documents.Discard(ctx, b.staged) }

func (b *body) text(name string) *string {
	t, err := b.message.text(name)
	if b.err == nil {
		b.err = err
	}
	return t
}

func (b *body) optional(name string) string {
	if t := b.text(name); t != nil {
		return *t
	}
	return ""
}

func (b *body) size() *int64 {
	n, err := b.message.size(memberSize)
	if b.err == nil {
		b.err = err
	}
	return n
}

// get answers GetDocument. There is no archive: see DataSource in the reference.
func (h *Handler) get(w http.ResponseWriter, r *http.Request) error {
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	with, err := isTrue(memberInclude, query.Get(memberInclude), !h.cfg.Dialect.WithoutFlag)
	if err != nil {
		return err
	}
	switch query.Get(memberSource) {
	case "", "Main":
	case "Archive":
		return &Error{Fault: ObjectNotFound, Parameter: memberSource}
	default:
		return &Error{Fault: IncorrectParameterValue, Parameter: memberSource}
	}
	d, content, err := h.cfg.Documents.Get(r.Context(), query.Get(memberDocument), !with)
	if err != nil {
		return err
	}
	var in io.Reader
	if with {
		defer content.Close()
		in = content
	}
	out, err := newOutgoing(h.group(), described(d), in, d.Size, h.cfg.Dialect)
	if err == nil {
		h.reply(w, out, http.StatusOK)
	}
	return err
}

// described are the members of EventGetDocument but its content.
func described(d proxy.Document) []member {
	return []member{
		{memberDocument, d.ID}, {memberType, d.MimeType}, {memberName, d.Name}, {memberDescription, d.Description}, {memberSize, d.Size},
	}
}

// remove answers RemoveDocument.
func (h *Handler) remove(w http.ResponseWriter, r *http.Request) error {
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	id, interaction := query.Get(memberDocument), query.Get(memberInteraction)
	if err := h.cfg.Documents.Remove(r.Context(), id, interaction); err != nil {
		return err
	}
	h.cfg.Log.Info("document removed through UCS's interface", "document", id, "link", interaction)
	return h.replyMembers(w)
}

func queryOf(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &Error{Fault: IncorrectParameterType, Err: err}
	}
	return query, nil
}
