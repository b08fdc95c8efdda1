package backend

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// documents is the backend's document store.
type documents struct {
	client  *Client
	staging proxy.Staging
}

// links and updates are what a backend with those features can do as well.
type (
	links   struct{ documents *documents }
	updates struct{ documents *documents }
)

var (
	_ proxy.Documents = (*documents)(nil)
	_ proxy.Bounded   = (*documents)(nil)
	_ proxy.Links     = links{}
	_ proxy.Updater   = updates{}
)

// Documents returns the backend's document store, to which Add sends content from
// staging, and which is a [proxy.Links] and a [proxy.Updater] if the backend has those
// features. Its errors are those the backend sent, or of code storage-unavailable.
func (c *Client) Documents(staging proxy.Staging) proxy.Documents {
	d := &documents{client: c, staging: staging}
	hasLinks, hasUpdates := slices.Contains(c.features, featureLinks), slices.Contains(c.features, featureUpdates)
	switch {
	case hasLinks && hasUpdates:
		return struct {
			*documents
			links
			updates
		}{d, links{d}, updates{d}}
	case hasLinks:
		return struct {
			*documents
			links
		}{d, links{d}}
	case hasUpdates:
		return struct {
			*documents
			updates
		}{d, updates{d}}
	}
	return d
}

// MaxSize is the size of the largest document that the backend takes; 0: any.
func (s *documents) MaxSize() int64 { return s.client.maxDocumentSize }

// expectContinue is the size, in bytes, from which on the backend is asked before the bytes
// are sent: it may already have the document, or no disk space for it.
const expectContinue = 256 << 10

// Add sends the staged content once. Its caller retries.
func (s *documents) Add(ctx context.Context, d proxy.Document) (string, error) {
	id, err := s.add(ctx, d)
	if err != nil {
		return "", fmt.Errorf("add the document %s: %w", d.ID, err)
	}
	return id, nil
}

func (s *documents) add(ctx context.Context, d proxy.Document) (string, error) {
	var stored wireStored
	if err := s.send(ctx, http.MethodPut, d, d.ID, &stored); err != nil {
		return "", err
	}
	if stored.ID == "" || len(stored.ID) > maxDocumentID || hasDotSegment(pathOf(pathDocument, stored.ID)) {
		return "", bridge.WrapError(bridge.CodeStorageUnavailable, fmt.Errorf("the backend answered with the document id %q", stored.ID))
	}
	return stored.ID, nil
}

// send sends a document's description, and its staged content unless staged is empty.
func (s *documents) send(ctx context.Context, method string, d proxy.Document, staged string, answer any) error {
	header, err := encodeDocument(d)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var body io.Reader = http.NoBody
	if staged != "" {
		content, err := s.staging.Staged(ctx, staged)
		if err != nil {
			return err
		}
		defer content.Close()
		// A backend may have to wait for a disk.
		timeout := 4 * s.client.cfg.IdleTimeout
		stalled := time.AfterFunc(timeout, func() { cancel(errSilent) })
		defer stalled.Stop()
		body = &uploadBody{content, func() { stalled.Reset(timeout) }}
	}
	req, err := s.client.request(ctx, method, pathOf(pathDocument, d.ID), body)
	if err != nil {
		return err
	}
	if staged != "" {
		req.ContentLength = d.Size
	}
	if req.ContentLength == 0 {
		req.Body = http.NoBody
	}
	if req.ContentLength >= expectContinue {
		req.Header.Set("Expect", "100-continue")
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set(headerDocument, header)
	return s.client.sendFor(req, bridge.CodeStorageUnavailable, answer)
}

// uploadBody is a request body that reports each read by the transport.
type uploadBody struct {
	io.ReadCloser
	onRead func()
}

func (b *uploadBody) Read(p []byte) (int, error) {
	b.onRead()
	return b.ReadCloser.Read(p)
}

// maxDocumentID is the length, in characters, of a document id in UCS.
const maxDocumentID = 16

// Open requests the document's attributes. The bytes are fetched as they are read, until
// Close or ctx's end.
func (s *documents) Open(ctx context.Context, id string) (proxy.Content, error) {
	var d proxy.Document
	err := s.client.retry(ctx, func(ctx context.Context) (err error) {
		d, err = s.head(ctx, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the document %s: %w", id, err)
	}
	return &documentReader{client: s.client, document: d, ctx: ctx}, nil
}

func (s *documents) head(ctx context.Context, id string) (proxy.Document, error) {
	req, err := s.client.request(ctx, http.MethodHead, pathOf(pathDocument, id), nil)
	if err != nil {
		return proxy.Document{}, bridge.AsError(err)
	}
	res, err := s.client.send(req, bridge.CodeStorageUnavailable)
	if err != nil {
		return proxy.Document{}, err
	}
	drain(res)
	d, err := decodeDocument(res.Header.Get(headerDocument))
	if err != nil {
		return d, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	d.ID = id
	return d, nil
}

// Remove deletes the document. An unknown id is not an error.
func (s *documents) Remove(ctx context.Context, id string) error {
	err := s.client.retry(ctx, func(ctx context.Context) error {
		return s.client.call(ctx, bridge.CodeStorageUnavailable, http.MethodDelete, pathOf(pathDocument, id), nil, nil)
	})
	if err != nil && bridge.CodeOf(err) != bridge.CodeDocument {
		return fmt.Errorf("remove the document %s: %w", id, err)
	}
	return nil
}

// Link adds a link to the document.
func (s links) Link(ctx context.Context, id, to string) error {
	if err := s.changeLink(ctx, http.MethodPut, id, to); err != nil {
		return fmt.Errorf("link the document %s: %w", id, err)
	}
	return nil
}

// Unlink removes a link, and the document with its last one. An unknown id is not an error.
func (s links) Unlink(ctx context.Context, id, to string) error {
	err := s.changeLink(ctx, http.MethodDelete, id, to)
	if err != nil && bridge.CodeOf(err) != bridge.CodeDocument {
		return fmt.Errorf("unlink the document %s: %w", id, err)
	}
	return nil
}

func (s links) changeLink(ctx context.Context, method, id, to string) error {
	if err := proxy.CheckLink(to); err != nil {
		return err
	}
	client := s.documents.client
	return client.retry(ctx, func(ctx context.Context) error {
		return client.call(ctx, bridge.CodeStorageUnavailable, method, pathOf(pathLink, id, to), nil, nil)
	})
}

// Describe returns the document's attributes.
func (s updates) Describe(ctx context.Context, id string) (d proxy.Document, err error) {
	err = s.documents.client.retry(ctx, func(ctx context.Context) (err error) {
		d, err = s.documents.head(ctx, id)
		return err
	})
	if err != nil {
		return d, fmt.Errorf("describe the document %s: %w", id, err)
	}
	return d, nil
}

// NewContent returns an id for content that is staged here.
func (s updates) NewContent(string) (string, error) { return s.documents.staging.NewID(), nil }

// Update sends the attributes, and the staged content unless staged is empty, once. Its caller
// retries.
func (s updates) Update(ctx context.Context, d proxy.Document, staged string) error {
	if staged == "" {
		d.Size, d.SHA256 = 0, [32]byte{}
	}
	if err := s.documents.send(ctx, http.MethodPatch, d, staged, nil); err != nil {
		return fmt.Errorf("update the document %s: %w", d.ID, err)
	}
	return nil
}
