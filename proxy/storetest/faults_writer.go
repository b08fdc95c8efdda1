package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"

	"attache/bridge"
	"attache/proxy"
)

// appending breaks the Append of every writer. inner is the real one.
func appending(append func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error) func(*broken) {
	return wrapping(func(w *brokenWriter) {
		w.append = func(ctx context.Context, p []byte, onDurable func(int64, error)) error {
			return append(w, ctx, p, onDurable)
		}
	})
}

// wrapping breaks every writer.
func wrapping(change func(w *brokenWriter)) func(*broken) {
	return func(b *broken) {
		b.writer = func(w proxy.Writer) proxy.Writer {
			one := &brokenWriter{Writer: w}
			change(one)
			return one
		}
	}
}

// corrupting changes the first byte of a piece that unless does not spare.
func corrupting(spare func(p []byte) bool) func(*broken) {
	return appending(func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
		if len(p) == 0 || spare(p) {
			return w.Writer.Append(ctx, p, onDurable)
		}
		other := append([]byte{^p[0]}, p[1:]...)
		return w.Writer.Append(ctx, other, onDurable)
	})
}

func none([]byte) bool { return false }

// lying reports a piece as durable that the real writer refuses with one of the codes.
func lying(codes ...bridge.Code) func(*broken) {
	lie := func(err error) bool {
		for _, code := range codes {
			if bridge.CodeOf(err) == code {
				return true
			}
		}
		return false
	}
	return appending(func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
		end := w.Writer.Offset() + int64(len(p))
		err := w.Writer.Append(ctx, p, func(n int64, err error) {
			if lie(err) {
				n, err = end, nil
			}
			onDurable(n, err)
		})
		if lie(err) {
			go onDurable(end, nil)
			return nil
		}
		return err
	})
}

// closedLying reports pieces as durable that come after Close, and drops them.
func closedLying(w *brokenWriter) {
	var mu sync.Mutex
	closed, last := false, int64(0)
	w.close = func() error {
		mu.Lock()
		defer mu.Unlock()
		closed = true
		return w.Writer.Close()
	}
	w.append = func(ctx context.Context, p []byte, onDurable func(int64, error)) error {
		mu.Lock()
		defer mu.Unlock()
		if closed {
			last += int64(len(p))
			n := last
			go onDurable(n, nil)
			return nil
		}
		last = w.Writer.Offset() + int64(len(p))
		return w.Writer.Append(ctx, p, onDurable)
	}
}

var errFault = errors.New("a planted fault")

var writerFaults = []fault{
	{name: "Append takes empty pieces", held: "Append takes 1 to MaxChunk", make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			if len(p) == 0 {
				go onDurable(w.Writer.Stored(), nil)
				return nil
			}
			return w.Writer.Append(ctx, p, onDurable)
		})},
	{name: "Append stores the first part of a piece that is too large", held: "Append takes 1 to MaxChunk", make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			if len(p) <= w.MaxChunk() {
				return w.Writer.Append(ctx, p, onDurable)
			}
			return errors.Join(errFault, w.Writer.Append(ctx, p[:w.MaxChunk()], onDurable))
		})},
	{name: "Offset is off by one", held: "Offset and Sum count everything", make: wrapping(func(w *brokenWriter) {
		w.offset = func() int64 { return w.Writer.Offset() - 1 }
	})},
	{name: "Stored counts a byte that never came", held: "Offset and Sum count everything", make: wrapping(func(w *brokenWriter) {
		w.stored = func() int64 { return w.Writer.Offset() + 1 }
	})},
	{name: "Sum is an empty file's", held: "Offset and Sum count everything", make: wrapping(func(w *brokenWriter) {
		w.sum = func() [32]byte { return sha256.Sum256(nil) }
	})},
	{name: "onDurable has the piece's length", held: "onDurable is called in order", make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			n := int64(len(p))
			return w.Writer.Append(ctx, p, func(_ int64, err error) { onDurable(n, err) })
		})},
	{name: "onDurable is called in reverse", held: "onDurable is called in order", make: func(b *broken) {
		var held func() // of the piece before; only the writer's own goroutine calls back
		appending(func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			return w.Writer.Append(ctx, p, func(n int64, err error) {
				if held == nil {
					held = func() { onDurable(n, err) }
					return
				}
				onDurable(n, err)
				held()
				held = nil
			})
		})(b)
	}},
	{name: "onDurable is called twice", held: "onDurable is called in order", make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			return w.Writer.Append(ctx, p, func(n int64, err error) { onDurable(n, err); onDurable(n, err) })
		})},
	{name: "onDurable is called by Append", held: "onDurable is called from another goroutine", make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			done := make(chan result, 1)
			if err := w.Writer.Append(ctx, p, func(n int64, err error) { done <- result{n, err} }); err != nil {
				return err
			}
			r := <-done
			onDurable(r.n, r.err)
			return nil
		})},
	{name: "a piece is reported before it is written", held: "a piece that was reported durable is in the content", make: wrapping(func(w *brokenWriter) {
		var late []byte
		w.append = func(ctx context.Context, p []byte, onDurable func(int64, error)) error {
			n := w.Writer.Offset() + int64(len(late)+len(p))
			late = append(late, p...)
			onDurable(n, nil)
			return nil
		}
	})},
	{name: "a piece is written after Append has returned", held: "Append retains no part", make: wrapping(func(w *brokenWriter) {
		var late func() error
		w.append = func(ctx context.Context, p []byte, onDurable func(int64, error)) error {
			if late == nil {
				late = func() error { return w.Writer.Append(ctx, p, onDurable) }
				return nil
			}
			err := late()
			late = nil
			return errors.Join(err, w.Writer.Append(ctx, p, onDurable))
		}
	})},
	{name: "an ended ctx leaves half a piece", held: "an Append whose ctx has ended", make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			if ctx.Err() == nil {
				return w.Writer.Append(ctx, p, onDurable)
			}
			return errors.Join(ctx.Err(), w.Writer.Append(context.WithoutCancel(ctx), p[:len(p)/2], func(int64, error) {}))
		})},
	{name: "an ended ctx is another error", held: "what is appended and not durable is bounded", make: endedUnnoticed},
	{name: "an ended ctx is another error where files are scarce", held: "more writers than files may be open", make: endedUnnoticed},
	{name: "nothing bounds what is appended", held: "what is appended and not durable is bounded", make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			if err := w.Writer.Append(ctx, p, onDurable); ctx.Err() == nil || err == nil {
				return err
			}
			go onDurable(0, nil)
			return nil
		})},
	{name: "a piece whose Append waits is reported and dropped", held: "an Append that waits ends", make: lying(bridge.CodeSuperseded)},
	{name: "pieces of one byte are another byte", held: "content of pieces of every size", make: corrupting(func(p []byte) bool { return len(p) > 1 })},
	{name: "Chunks forgets those of before", held: "Chunks is the number of chunks", make: func(b *broken) {
		b.writer = func(w proxy.Writer) proxy.Writer { return &forgetfulCounter{Writer: w} }
	}},

	{name: "pieces under way fail when the writer closes", held: "pieces under way when a writer closes", make: wrapping(func(w *brokenWriter) {
		var closed atomic.Bool
		w.close = func() error { closed.Store(true); return w.Writer.Close() }
		w.append = func(ctx context.Context, p []byte, onDurable func(int64, error)) error {
			return w.Writer.Append(ctx, p, func(n int64, err error) {
				if closed.Load() {
					err = errFault
				}
				onDurable(n, err)
			})
		}
	})},
	{name: "a second Close fails", held: "pieces under way when a writer closes", make: wrapping(func(w *brokenWriter) {
		closed := false
		w.close = func() error {
			if closed {
				return errFault
			}
			closed = true
			return w.Writer.Close()
		}
	})},
	{name: "a closed writer drops what it reports as durable", held: "a writer that was closed appends durably or fails", make: wrapping(closedLying)},
	{name: "a writer that closes drops what it reports as durable", held: "Close may be called while another goroutine appends", make: wrapping(closedLying)},
	{name: "Close discards", held: "closing a superseded writer", make: func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			w, err := b.Store.Begin(ctx, d, acked)
			return &brokenWriter{Writer: w, close: func() error { return b.Store.Discard(ctx, d.ID) }}, err
		}
	}},
	{name: "Close writes again", held: "closing a writer of discarded content", make: func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			w, err := b.Store.Begin(ctx, d, acked)
			return &brokenWriter{Writer: w, close: func() error {
				again, err := b.Store.Begin(ctx, d, acked)
				if err != nil {
					return err
				}
				done := make(chan error, 1)
				err = again.Append(ctx, []byte{1}, func(_ int64, err error) { done <- err })
				return errors.Join(err, <-done)
			}}, err
		}
	}},

	{name: "a superseded writer reports pieces as durable", held: "Begin takes the right to write from the writer before", make: lying(bridge.CodeSuperseded)},
	{name: "a superseded writer reports pieces as durable, in another process", held: "Begin takes the right to write from the writer of another process", make: lying(bridge.CodeSuperseded)},
	{name: "pieces under way are reported as durable and are not", held: "pieces under way when Begin takes the right", make: lying(bridge.CodeSuperseded)},
	{name: "pieces under way are reported as durable and are not, in another process", held: "pieces under way when another process takes the right", make: lying(bridge.CodeSuperseded)},
	{name: "an ended process reports pieces as durable", held: "a writer of a process that has ended", make: lying(bridge.CodeStorageUnavailable, bridge.CodeSuperseded)},
	{name: "competing writers write other bytes", held: "competing writers leave whole content", make: corrupting(none)},
	{name: "competing processes write other bytes", held: "competing writers of several processes", make: corrupting(none)},
	{name: "many writers write other bytes", held: "many writers at once", make: corrupting(func(p []byte) bool { return len(p) == 1500 })},
	{name: "a budget that ctx does not end", held: "appended bytes are bounded by the budget", buffers: true, make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			if ctx.Err() != nil {
				return nil
			}
			return w.Writer.Append(ctx, p, onDurable)
		})},
	{name: "large pieces are refused", held: "a piece that is larger than the budget", make: appending(
		func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
			if len(p) > 1000 {
				return bridge.WrapError(bridge.CodeBusy, errFault)
			}
			return w.Writer.Append(ctx, p, onDurable)
		})},
}

// forgetfulCounter counts the chunks since it began.
type forgetfulCounter struct {
	proxy.Writer
	chunks int64
}

func (f *forgetfulCounter) Append(ctx context.Context, p []byte, onDurable func(int64, error)) error {
	f.chunks++
	return f.Writer.Append(ctx, p, onDurable)
}

func (f *forgetfulCounter) Chunks() int64 { return f.chunks }

// endedUnnoticed does not say that ctx has ended.
var endedUnnoticed = appending(func(w *brokenWriter, ctx context.Context, p []byte, onDurable func(int64, error)) error {
	if err := w.Writer.Append(ctx, p, onDurable); ctx.Err() == nil || err == nil {
		return err
	}
	return errFault
})
