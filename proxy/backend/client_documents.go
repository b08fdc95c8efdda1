package backend

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// documents is the backend's document store.
type documents struct {
	client  *Client
	staging proxy.Staging
}

var _ proxy.Documents = (*documents)(nil)

// Documents returns the backend's document store, to which Add sends content from
// staging. Its errors are those the backend sent, or of code storage-unavailable.
func (c *Client) Documents(staging proxy.Staging) proxy.Documents {
	return &documents{client: c, staging: staging}
}

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
	content, err := s.staging.Staged(ctx, d.ID)
	if err != nil {
		return "", err
	}
	defer content.Close()
	header, err := encodeDocument(d)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A backend may have to wait for a disk.
	timeout := 4 * s.client.cfg.IdleTimeout
	stalled := time.AfterFunc(timeout, func() { cancel(errSilent) })
	defer stalled.Stop()
	body := &uploadBody{content, func() { stalled.Reset(timeout) }}
	req, err := s.client.request(ctx, http.MethodPut, pathOf(pathDocument, d.ID), body)
	if err != nil {
		return "", err
	}
	req.ContentLength = d.Size
	if d.Size == 0 {
		req.Body = http.NoBody
	}
	if d.Size >= expectContinue {
		req.Header.Set("Expect", "100-continue")
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set(headerDocument, header)
	var stored wireStored
	if err := s.client.sendFor(req, bridge.CodeStorageUnavailable, &stored); err != nil {
		return "", err
	}
	if stored.ID == "" || len(stored.ID) > maxDocumentID || hasDotSegment(pathOf(pathDocument, stored.ID)) {
		return "", bridge.WrapError(bridge.CodeStorageUnavailable, fmt.Errorf("the backend answered with the document id %q", stored.ID))
	}
	return stored.ID, nil
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
