package gws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// store posts the bytes, and returns the id of the document that GWS has made.
func (c *Client) store(ctx context.Context, at place, d proxy.Document, open func() (io.ReadCloser, error)) (string, error) {
	ctx, timer, cancel := c.stalls(ctx)
	defer cancel(nil)
	defer timer.Stop()
	res, err := c.do(ctx, http.MethodPost, c.url("attachments-path", at), at, func(r *http.Request) error {
		content, err := open()
		if err != nil {
			return err
		}
		return c.multipart(r, d, content, timer)
	})
	if err != nil {
		return "", misplaced(err)
	}
	a, err := read(res)
	if err == nil && (a.DocumentID == "" || len(a.DocumentID) > maxDocumentID) {
		err = away(errors.Join(errUnclear, fmt.Errorf("GWS answered with the document id %q", a.DocumentID)))
	}
	return a.DocumentID, err
}

// maxDocumentID bounds a document's id, in bytes. UCS has 16 characters; nothing documents that
// GWS returns that id.
const maxDocumentID = 64

// multipart makes the body of a request to store: one field with the file, whose length is
// known.
func (c *Client) multipart(r *http.Request, d proxy.Document, content io.ReadCloser, timer *time.Timer) error {
	var head, tail bytes.Buffer
	form := multipart.NewWriter(&head)
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition(c.cfg.Named.get("field"), d.Name))
	header.Set("Content-Type", d.Typed().MimeType)
	if _, err := form.CreatePart(header); err != nil {
		content.Close()
		return bridge.AsError(err)
	}
	fmt.Fprintf(&tail, "\r\n--%s--\r\n", form.Boundary())
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.ContentLength = int64(head.Len()) + d.Size + int64(tail.Len())
	timeout := c.cfg.Timeout
	moved := func() { timer.Reset(timeout) }
	r.Body = &moving{Reader: io.MultiReader(&head, content, &tail), Closer: content, moved: moved}
	return nil
}

// moving reports each read of the transport.
type moving struct {
	io.Reader
	io.Closer
	moved func()
}

func (m *moving) Read(p []byte) (int, error) {
	m.moved()
	return m.Reader.Read(p)
}

// attach attaches a stored document to its interaction.
func (c *Client) attach(ctx context.Context, at place, d proxy.Document) error {
	switch c.cfg.Named.API {
	case API850:
		return nil
	case APIWorkspace:
		_, err := c.call(ctx, http.MethodPost, c.url("add-path", at), at, c.wrapped(map[string]any{
			"documentId": at.document, "size": d.Size, "mime": d.Typed().MimeType, "name": d.Name,
		}))
		return misplaced(err)
	}
	_, err := c.call(ctx, http.MethodPost, c.url("chat-path", at), at, map[string]any{
		"operationName": "AddAttachment", "documentId": at.document, "size": d.Size, "name": d.Name, "mime": d.Typed().MimeType,
	})
	return misplaced(err)
}

// misplaced is the error of a request to an address that GWS does not have: the interaction has
// ended or is not the agent's, or an option names another path than GWS has.
func misplaced(err error) error {
	if bridge.CodeOf(err) != bridge.CodeDocument {
		return err
	}
	return away(fmt.Errorf("GWS does not have the interaction, or not at this path: %w", errors.Unwrap(err)))
}

func (c *Client) wrapped(members map[string]any) any {
	if c.cfg.Named.Body == BodyPlain {
		return members
	}
	return map[string]any{"data": members}
}

// detach takes the document from its interaction; one that is not there is not an error.
func (c *Client) detach(ctx context.Context, at place) (err error) {
	switch c.cfg.Named.API {
	case API850:
		return nil
	case APIWorkspace:
		_, err = c.call(ctx, http.MethodPost, c.url("remove-path", at), at, c.wrapped(map[string]any{}))
	default:
		_, err = c.call(ctx, http.MethodPost, c.url("chat-path", at), at, map[string]any{
			"operationName": "RemoveAttachment", "documentId": at.document,
		})
	}
	return unlessUnknown(err)
}

// remove deletes what store has stored; an unknown document is not an error.
func (c *Client) remove(ctx context.Context, at place) error {
	_, err := c.call(ctx, http.MethodDelete, c.url("attachment-path", at), at, nil)
	return unlessUnknown(err)
}

func unlessUnknown(err error) error {
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return nil
	}
	return err
}

// fetch requests the bytes from offset on. GWS may ignore the range, and then sends all.
func (c *Client) fetch(ctx context.Context, at place, offset int64) (*http.Response, error) {
	option := "attachment-path"
	if c.cfg.Named.API == APIWorkspace {
		option = "read-path"
	}
	return c.do(ctx, http.MethodGet, c.url(option, at), at, func(r *http.Request) error {
		if offset > 0 {
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		}
		return nil
	})
}
