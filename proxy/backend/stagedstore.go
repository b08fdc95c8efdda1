package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"attache/bridge"
	"attache/proxy"
)

// StagedStore is a [Store] on top of a document store with staging, such as package objects.
// A proxy that missed the response, or two that deliver one upload, may put a document again
// while it is being put: within one StagedStore, the later one waits.
type StagedStore struct {
	proxy.Documents
	staging proxy.Staging

	mu   sync.Mutex
	puts map[string]chan struct{} // in progress, by id; closed at their end
}

var _ Store = (*StagedStore)(nil)

// NewStagedStore returns a store that stages content in staging and adds it to documents.
func NewStagedStore(staging proxy.Staging, documents proxy.Documents) *StagedStore {
	return &StagedStore{Documents: documents, staging: staging, puts: map[string]chan struct{}{}}
}

// Put stages the content from its beginning, whatever an earlier try has left, and adds it.
// A failed Put leaves nothing.
func (s *StagedStore) Put(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	unlock, err := s.lock(ctx, d.ID)
	if err != nil {
		return "", err
	}
	defer unlock()
	if id, known, err := s.known(ctx, d); known || err != nil {
		return id, err
	}
	if err := s.staging.AdmitUpload(); err != nil {
		return "", err
	}
	id, err := s.put(ctx, d, content)
	if err == nil {
		return id, nil
	}
	// The client may be gone, and the document may exist all the same: this request's, or
	// another process's.
	ctx = context.WithoutCancel(ctx)
	if id, known, err := s.known(ctx, d); known {
		return id, err
	}
	return "", errors.Join(err, s.staging.Discard(ctx, d.ID))
}

// lock waits until no other Put has the id.
func (s *StagedStore) lock(ctx context.Context, id string) (unlock func(), err error) {
	for {
		s.mu.Lock()
		other := s.puts[id]
		if other == nil {
			defer s.mu.Unlock()
			return s.locked(id), nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, bridge.WrapError(bridge.CodeBusy, ctx.Err())
		}
	}
}

func (s *StagedStore) locked(id string) (unlock func()) {
	ended := make(chan struct{})
	s.puts[id] = ended
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.puts, id)
		close(ended)
	}
}

// known reports whether a document with d's id exists: code upload-conflict if it is not d.
func (s *StagedStore) known(ctx context.Context, d proxy.Document) (id string, known bool, err error) {
	content, err := s.Open(ctx, d.ID)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	defer content.Close()
	is := content.Document()
	if d.SHA256 != is.SHA256 || d.Size != is.Size {
		return "", true, bridge.NewError(bridge.CodeUploadConflict, "another document has this id")
	}
	return is.ID, true, nil
}

func (s *StagedStore) put(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	if err := s.staging.Discard(ctx, d.ID); err != nil {
		return "", err
	}
	staged, err := proxy.Stage(ctx, s.staging, d, content)
	if err != nil {
		return "", fmt.Errorf("receive the document %s: %w", d.ID, err)
	}
	if staged.Size != d.Size || staged.SHA256 != d.SHA256 {
		return "", bridge.NewError(bridge.CodeDigest, "")
	}
	id, err := s.Add(ctx, d)
	if settler, ok := s.Documents.(proxy.Settler); ok && err == nil {
		err = settler.Settle(ctx, id)
	}
	if bridge.CodeOf(err) == bridge.CodeDigest {
		// The content was right: another process has begun to put it.
		err = bridge.WrapError(bridge.CodeBusy, err)
	}
	return id, err
}
