package proxy

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"
)

// Source is a file's content on its way in.
type Source struct {
	io.Reader
	// Cut makes a Read that waits return with an error, and does not wait itself. It is
	// called when the party has left its session, and when others wait for the memory
	// that a stalled source holds.
	Cut func()
}

// Receive appends the content of s from that offset on until the file is whole, and
// returns the number of durable bytes. It holds one piece at a time, in the memory that
// all incoming pieces share. Deadlines for Read are the caller's.
//
// If s ends before the file is whole, the error is io.ErrUnexpectedEOF, and if s fails,
// it is that of s. Otherwise it has a code: Append's, or not-joined or session-ended as
// soon as the party may send no more. The upload can be resumed by another Offer.
func (t *Transfers) Receive(ctx context.Context, who Identity, key string, offset int64, s Source) (durable int64, err error) {
	if err := t.present(ctx, who); err != nil {
		return offset, err
	}
	in := &incoming{transfers: t, who: who, key: key, source: s, offset: offset, durable: offset, changed: make(chan struct{}, 1)}
	err = in.receive(ctx)
	if failed := in.settle(ctx); err == nil {
		err = failed
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.durable, err
}

// incoming is one Receive.
type incoming struct {
	transfers *Transfers
	who       Identity
	key       string
	source    Source
	open      bool // the source's end is the file's
	cut       func(cause error)

	offset int64 // of the next piece
	last   int   // bytes of the piece before it; 0: none came yet
	heard  atomic.Int64
	end    error // of the source

	mu      sync.Mutex
	durable int64
	failed  error
	changed chan struct{}
}

// receive appends pieces until the file is whole, for as long as the party may send.
func (in *incoming) receive(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	in.cut = func(cause error) {
		if ctx.Err() == nil {
			cancel(cause)
			in.source.Cut()
		}
	}
	watching.Go(func() {
		in.cut(in.transfers.untilGone(ctx, in.who))
	})
	in.heard.Store(now())
	for {
		last, err := in.piece(ctx)
		switch cause := context.Cause(ctx); {
		case err != nil && cause != nil:
			return cause
		case err != nil || last:
			return err
		}
	}
}

// piece reads one piece and appends it, and reports whether it was the file's last.
func (in *incoming) piece(ctx context.Context) (last bool, err error) {
	t := in.transfers
	a := t.frames.begin(in.last > 0, in.idle, func() {
		in.cut(bridge.NewError(bridge.CodeBusy, "the file arrived too slowly while others waited for its memory"))
	})
	defer a.end()
	a.expected = in.last
	p, err := a.read(ctx, io.LimitReader(in, int64(t.cfg.MaxFrame)))
	switch cut := context.Cause(ctx); {
	case cut != nil:
		return false, cut
	case err != nil:
		return false, err
	case len(p) == 0 && in.end == io.EOF && in.open:
		return true, nil
	case len(p) == 0 && in.end == io.EOF:
		return false, io.ErrUnexpectedEOF
	case len(p) == 0:
		return false, in.end
	}
	last, err = t.Append(ctx, in.who, in.key, in.offset, p, in.note)
	if err == nil {
		in.offset += int64(len(p))
		in.last = len(p)
	}
	return last, err
}

// Read reads from the source. Any error ends a piece, so that the bytes before the error are stored.
func (in *incoming) Read(p []byte) (n int, err error) {
	if in.end == nil {
		n, in.end = in.source.Read(p)
	}
	if n > 0 {
		in.heard.Store(now())
	}
	if in.end != nil {
		err = io.EOF
	}
	return n, err
}

func (in *incoming) idle() time.Duration { return time.Duration(now() - in.heard.Load()) }

func (in *incoming) note(durable int64, err error) {
	in.mu.Lock()
	if err == nil {
		in.durable = durable
	} else if in.failed == nil {
		in.failed = err
	}
	in.mu.Unlock()
	select {
	case in.changed <- struct{}{}:
	default:
	}
}

// settle waits until everything that was appended is durable, or the writing has failed.
func (in *incoming) settle(ctx context.Context) error {
	for {
		in.mu.Lock()
		durable, failed := in.durable, in.failed
		in.mu.Unlock()
		if failed != nil || durable >= in.offset {
			return failed
		}
		select {
		case <-in.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
