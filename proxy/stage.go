package proxy

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Stage stages all of content under d.ID, durably, and returns d with its size and its digest.
func Stage(ctx context.Context, staging Staging, d Document, content io.Reader) (Document, error) {
	w, err := staging.Begin(ctx, d, 0)
	if err != nil {
		return d, err
	}
	defer w.Close()
	if err := copyDurably(ctx, w, content); err != nil {
		return d, err
	}
	d.Size, d.SHA256 = w.Stored(), w.Sum()
	return d, nil
}

// copyDurably writes all of content and waits until it is durable. The store does not retain
// the buffer after Append.
func copyDurably(ctx context.Context, w Writer, content io.Reader) error {
	var appends sync.WaitGroup
	defer appends.Wait()
	failed := make(chan error, 1)
	buf := make([]byte, w.MaxChunk())
	source := &endedReader{Reader: content}
	for {
		n, err := io.ReadFull(source, buf)
		if source.err != nil && source.err != io.EOF {
			return source.err // content that was cut may end with io.ErrUnexpectedEOF, as a last piece does
		}
		if n > 0 {
			appends.Add(1)
			stored := func(_ int64, err error) {
				if err != nil {
					select {
					case failed <- err:
					default: // the first error counts
					}
				}
				appends.Done()
			}
			if err := w.Append(ctx, buf[:n], stored); err != nil {
				appends.Done()
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			appends.Wait()
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

// endedReader remembers the error that its reader ended with.
type endedReader struct {
	io.Reader
	err error
}

func (r *endedReader) Read(p []byte) (n int, err error) {
	n, r.err = r.Reader.Read(p)
	return n, r.err
}
