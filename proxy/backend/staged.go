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

// Staged is a [Store] of what keeps documents by way of staging, as package objects
// does. A proxy that did not hear the answer, or two that deliver one upload, may
// put a document again while it is being put: within one Staged, the later waits.
type Staged struct {
	Staging proxy.Staging
	proxy.Documents

	mu   sync.Mutex
	held map[string]chan struct{} // by the id being put; closed when that is over
}

var _ Store = (*Staged)(nil)

// Put stages the content from its beginning, whatever an earlier try has left,
// and adds it. What fails leaves nothing behind.
func (s *Staged) Put(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	release, err := s.hold(ctx, d.ID)
	if err != nil {
		return "", err
	}
	defer release()
	if id, known, err := s.known(ctx, d); known || err != nil {
		return id, err
	}
	if err := s.Staging.Room(); err != nil {
		return "", err
	}
	id, err := s.put(ctx, d, content)
	if err == nil {
		return id, nil
	}
	// Who asked may be gone, and what failed may have happened all the same: the
	// document of this request's, or of another process's.
	ctx = context.WithoutCancel(ctx)
	if id, known, err := s.known(ctx, d); known {
		return id, err
	}
	return "", errors.Join(err, s.Staging.Discard(ctx, d.ID))
}

// hold waits until nobody puts id.
func (s *Staged) hold(ctx context.Context, id string) (release func(), err error) {
	for {
		s.mu.Lock()
		other := s.held[id]
		if other == nil {
			defer s.mu.Unlock()
			return s.take(id), nil
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, bridge.WrapError(bridge.CodeBusy, ctx.Err())
		}
	}
}

func (s *Staged) take(id string) (release func()) {
	if s.held == nil {
		s.held = map[string]chan struct{}{}
	}
	over := make(chan struct{})
	s.held[id] = over
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.held, id)
		close(over)
	}
}

// known tells whether there is a document of that id, and whether it is d.
func (s *Staged) known(ctx context.Context, d proxy.Document) (id string, known bool, err error) {
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

func (s *Staged) put(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	if err := s.Staging.Discard(ctx, d.ID); err != nil {
		return "", err
	}
	w, err := s.Staging.Begin(ctx, d.ID)
	if err != nil {
		return "", err
	}
	if err := pour(ctx, w, content); err != nil {
		return "", fmt.Errorf("receive the document %s: %w", d.ID, err)
	}
	if w.Stored() != d.Size || w.Sum() != d.SHA256 {
		return "", bridge.NewError(bridge.CodeDigest, "")
	}
	id, err := s.Add(ctx, d)
	if bridge.CodeOf(err) == bridge.CodeDigest {
		// What came was right. Another process has begun to put it.
		err = bridge.WrapError(bridge.CodeBusy, err)
	}
	return id, err
}

// pour writes everything and waits until it is durable. The store keeps nothing
// of the buffer once it has taken a piece.
func pour(ctx context.Context, w proxy.Writer, content io.Reader) error {
	var pieces sync.WaitGroup
	defer pieces.Wait()
	failed := make(chan error, 1)
	buf := make([]byte, w.MaxChunk())
	for {
		n, err := io.ReadFull(content, buf)
		if n > 0 {
			pieces.Add(1)
			stored := func(_ int64, err error) {
				if err != nil {
					select {
					case failed <- err:
					default: // the first one says why
					}
				}
				pieces.Done()
			}
			if err := w.Append(ctx, buf[:n], stored); err != nil {
				pieces.Done()
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			pieces.Wait()
			select {
			case err := <-failed:
				return err
			default:
				return nil
			}
		case err != nil:
			return err
		}
	}
}
