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
	*Client
	staging proxy.Staging
}

var _ proxy.Documents = (*documents)(nil)

// Documents returns the backend's document store, which is given what lies in
// staging. Its errors are those the backend told, or of code storage-unavailable.
func (c *Client) Documents(staging proxy.Staging) proxy.Documents {
	return &documents{Client: c, staging: staging}
}

// announceFirst is the size, in bytes, from which on the backend is asked before
// the bytes are sent: it may have the document, or no room for it.
const announceFirst = 256 << 10

// Add sends the staged content once. Whoever calls it repeats it.
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
	// A backend may have to wait for a disk, longer than it may be silent otherwise.
	patience := 4 * s.Silence
	stalled := time.AfterFunc(patience, func() { cancel(errSilent) })
	defer stalled.Stop()
	body := &sending{content, func() { stalled.Reset(patience) }}
	req, err := s.request(ctx, http.MethodPut, at(pathDocument, d.ID), body)
	if err != nil {
		return "", err
	}
	req.ContentLength = d.Size
	if d.Size == 0 {
		req.Body = http.NoBody
	}
	if d.Size >= announceFirst {
		req.Header.Set("Expect", "100-continue")
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set(headerDocument, header)
	var stored wireStored
	if err := s.answer(req, bridge.CodeStorageUnavailable, &stored); err != nil {
		return "", err
	}
	if stored.ID == "" || len(stored.ID) > maxDocumentID || walks(at(pathDocument, stored.ID)) {
		return "", bridge.WrapError(bridge.CodeStorageUnavailable, fmt.Errorf("the backend gave the document id %q", stored.ID))
	}
	return stored.ID, nil
}

// sending is a body of which the receiver takes some now and then.
type sending struct {
	io.ReadCloser
	taken func()
}

func (s *sending) Read(p []byte) (int, error) {
	s.taken()
	return s.ReadCloser.Read(p)
}

// maxDocumentID is how many characters a document id has in UCS.
const maxDocumentID = 16

// Open asks for the document's attributes; the bytes are fetched as they are
// read, until Close or ctx's end.
func (s *documents) Open(ctx context.Context, id string) (proxy.Content, error) {
	var d proxy.Document
	err := s.insist(ctx, func(ctx context.Context) (err error) {
		d, err = s.head(ctx, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the document %s: %w", id, err)
	}
	return &content{documents: s, document: d, ctx: ctx}, nil
}

func (s *documents) head(ctx context.Context, id string) (proxy.Document, error) {
	req, err := s.request(ctx, http.MethodHead, at(pathDocument, id), nil)
	if err != nil {
		return proxy.Document{}, bridge.AsError(err)
	}
	res, err := s.send(req, bridge.CodeStorageUnavailable)
	if err != nil {
		return proxy.Document{}, err
	}
	finish(res)
	d, err := decodeDocument(res.Header.Get(headerDocument))
	if err != nil {
		return d, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	d.ID = id
	return d, nil
}

// Remove deletes the document; of an unknown id it does nothing.
func (s *documents) Remove(ctx context.Context, id string) error {
	err := s.insist(ctx, func(ctx context.Context) error {
		return s.ask(ctx, bridge.CodeStorageUnavailable, http.MethodDelete, at(pathDocument, id), nil, nil)
	})
	if err != nil && bridge.CodeOf(err) != bridge.CodeDocument {
		return fmt.Errorf("remove the document %s: %w", id, err)
	}
	return nil
}
