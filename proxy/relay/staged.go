package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"attache/bridge"
	"attache/proxy"
)

// Staged is a [Store] of what keeps documents by way of staging, as package ucs
// does.
type Staged struct {
	Staging proxy.Staging
	proxy.Documents
}

var _ Store = Staged{}

// Put stages the content from its beginning, whatever an earlier try has left,
// and adds it.
func (s Staged) Put(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	known, err := s.Open(ctx, d.ID)
	if err == nil {
		defer known.Close()
		return s.again(d, known.Document())
	}
	if bridge.CodeOf(err) != bridge.CodeDocument {
		return "", err
	}
	if err := s.Staging.Room(); err != nil {
		return "", err
	}
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
		return "", errors.Join(bridge.NewError(bridge.CodeDigest, ""), s.Staging.Discard(ctx, d.ID))
	}
	return s.Add(ctx, d)
}

func (s Staged) again(d, known proxy.Document) (string, error) {
	if d.SHA256 != known.SHA256 || d.Size != known.Size {
		return "", bridge.NewError(bridge.CodeUploadConflict, "another document has this id")
	}
	return known.ID, nil
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
