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

// idle is how long a reader may hold bytes that nobody asks for. A download
// that stalls gives them back, and costs one more get when it goes on.
const idle = 2 * time.Second

// reader reads an object's chunks by direct gets, one ahead while there is room
// for that. It holds two chunks at most.
type reader struct {
	store    *Store
	bucket   *bucket
	document proxy.Document
	index    index
	ctx      context.Context
	cancel   context.CancelFunc

	mu    sync.Mutex // the timer lets go of chunks
	timer *time.Timer
	pos   int64
	now   *chunk
	next  chan *chunk // the chunk behind now, on its way; nil if it failed
	here  span        // where now lies; still known when it is let go
}

func (s *Store) reader(b *bucket, d proxy.Document, x index) *reader {
	r := &reader{store: s, bucket: b, document: d, index: x}
	r.ctx, r.cancel = context.WithCancel(s.engine.Context())
	return r
}

// Document describes what is open.
func (r *reader) Document() proxy.Document { return r.document }

// Close ends the reading.
func (r *reader) Close() error {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.letGo()
	return nil
}

// Seek moves to an offset; nothing is read until Read.
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

// Read reads from the chunk at hand; it never waits for more than one.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	piece, err := r.Piece(int64(len(p)))
	return copy(p, piece), err
}

// Piece is the rest of the chunk at hand, or max bytes of it. A chunk is never
// written again, so the bytes stay good even when the reader lets it go.
func (r *reader) Piece(max int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pos >= r.document.Size {
		return nil, io.EOF
	}
	if r.now == nil || !r.here.holds(r.pos) {
		if err := r.advance(); err != nil {
			return nil, fmt.Errorf("read the document %s: %w", r.document.ID, storage(err))
		}
	}
	piece := r.now.data[r.pos-r.here.offset:]
	piece = piece[:min(int64(len(piece)), max)]
	r.pos += int64(len(piece))
	r.rest()
	return piece, nil
}

// rest starts the time after which the chunks are let go.
func (r *reader) rest() {
	if r.timer != nil {
		r.timer.Reset(idle)
		return
	}
	r.timer = time.AfterFunc(idle, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.letGo()
	})
}

func (r *reader) letGo() {
	r.now = nil
	r.take()
}

// advance makes the chunk at the position the one at hand.
func (r *reader) advance() error {
	c, err := r.chunk()
	if err != nil {
		r.now = nil
		return err
	}
	if !c.span().holds(r.pos) {
		r.now = nil
		return bridge.NewError(bridge.CodeDocument, "a part of the document is missing")
	}
	r.now, r.here = c, c.span()
	r.ahead()
	return nil
}

// chunk gets the chunk at the position: the one that is on its way, the one
// that was let go, or another.
func (r *reader) chunk() (*chunk, error) {
	if c := r.take(); c != nil && c.span().holds(r.pos) {
		return c, nil
	}
	if r.here.holds(r.pos) {
		return r.fetch(r.here.seq)
	}
	if known, ok := r.index.at(r.pos); ok {
		return r.fetch(known.seq)
	}
	return r.find(r.pos)
}

// ahead sends for the next chunk, if the store has a place for one more.
func (r *reader) ahead() {
	if r.here.end >= r.document.Size {
		return
	}
	select {
	case r.store.aheads <- struct{}{}:
	default:
		return
	}
	seq := r.here.seq + 1
	if known, ok := r.index.at(r.here.end); ok {
		seq = known.seq
	}
	next := make(chan *chunk, 1)
	r.next = next
	go func() {
		// Whoever reads on gets the error again, if it lasts.
		c, _ := r.fetch(seq)
		next <- c
	}()
}

// take waits for the chunk that was sent for, if one was.
func (r *reader) take() *chunk {
	if r.next == nil {
		return nil
	}
	c := <-r.next
	r.next = nil
	<-r.store.aheads
	return c
}
