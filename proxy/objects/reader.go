package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// idleTimeout is how long a reader may hold bytes that are not read. A download that stalls
// releases them, and needs one more get when it resumes.
const idleTimeout = 2 * time.Second

// reader reads an object's chunks by direct gets, and prefetches the next one if the store
// allows it. It holds two chunks at most.
type reader struct {
	store    *Store
	bucket   *bucket
	document proxy.Document
	content  string // the id of the object with the bytes, which an update replaces
	index    index
	ctx      context.Context
	cancel   context.CancelFunc

	mu         sync.Mutex // the timer drops chunks
	timer      *time.Timer
	pos        int64
	current    *chunk
	prefetched chan *chunk // the chunk after current; nil if it failed
	span       span        // of current; still known after it is dropped
}

func (s *Store) reader(b *bucket, d proxy.Document, content string, x index) *reader {
	r := &reader{store: s, bucket: b, document: d, content: content, index: x}
	r.ctx, r.cancel = context.WithCancel(s.engine.Context())
	return r
}

// Document describes the open document.
func (r *reader) Document() proxy.Document { return r.document }

func (r *reader) Close() error {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.drop()
	return nil
}

// Seek sets the offset of the next Read; it reads nothing.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.document.Size
	default:
		return 0, fmt.Errorf("seek from %d", whence)
	}
	if offset < 0 {
		return 0, errors.New("seek before the document's start")
	}
	r.pos = offset
	return offset, nil
}

// Read reads from the current chunk; it never waits for more than one.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	piece, err := r.Piece(int64(len(p)))
	return copy(p, piece), err
}

// Piece returns the rest of the current chunk, or max bytes of it. A chunk's memory is
// never reused, so the bytes stay valid even after the reader drops it.
func (r *reader) Piece(max int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pos >= r.document.Size {
		return nil, io.EOF
	}
	if r.current == nil || !r.span.holds(r.pos) {
		if err := r.advance(); err != nil {
			return nil, fmt.Errorf("read the document %s: %w", r.document.ID, storage(err))
		}
	}
	piece := r.current.data[r.pos-r.span.offset:]
	piece = piece[:min(int64(len(piece)), max)]
	r.pos += int64(len(piece))
	r.resetIdle()
	return piece, nil
}

// resetIdle restarts the time after which the chunks are dropped.
func (r *reader) resetIdle() {
	if r.timer != nil {
		r.timer.Reset(idleTimeout)
		return
	}
	r.timer = time.AfterFunc(idleTimeout, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.drop()
	})
}

func (r *reader) drop() {
	r.current = nil
	r.awaitPrefetch()
}

// advance makes the chunk at the position the current one.
func (r *reader) advance() error {
	c, err := r.chunk()
	if err != nil {
		r.current = nil
		return err
	}
	if !c.span().holds(r.pos) {
		r.current = nil
		return bridge.NewError(bridge.CodeDocument, "a part of the document is missing")
	}
	r.current, r.span = c, c.span()
	r.prefetch()
	return nil
}

// chunk gets the chunk at the position: the prefetched one, the one that was dropped, or
// another.
func (r *reader) chunk() (*chunk, error) {
	if c := r.awaitPrefetch(); c != nil && c.span().holds(r.pos) {
		return c, nil
	}
	if r.span.holds(r.pos) {
		return r.fetch(r.span.seq)
	}
	if known, ok := r.index.at(r.pos); ok {
		return r.fetch(known.seq)
	}
	return r.search(r.pos)
}

// prefetch requests the next chunk, unless the store has too many prefetched already.
func (r *reader) prefetch() {
	if r.span.end >= r.document.Size {
		return
	}
	select {
	case r.store.prefetches <- struct{}{}:
	default:
		return
	}
	seq := r.span.seq + 1
	if known, ok := r.index.at(r.span.end); ok {
		seq = known.seq
	}
	next := make(chan *chunk, 1)
	r.prefetched = next
	go func() {
		// The next Read gets the error again, if it lasts.
		c, _ := r.fetch(seq)
		next <- c
	}()
}

// awaitPrefetch waits for the prefetched chunk, if there is one.
func (r *reader) awaitPrefetch() *chunk {
	if r.prefetched == nil {
		return nil
	}
	c := <-r.prefetched
	r.prefetched = nil
	<-r.store.prefetches
	return c
}
