// Package inspect scans documents that our own delivery has not scanned, before their first
// byte is handed out: those of an agent's desktop, of the vendor's GMS, or of an earlier
// release without a scanner.
//
//	i, err := inspect.Open(ctx, engine, inspect.Options{Documents: documents, Scanner: scanner, Dir: dir})
//	content, err := i.Inspect(ctx, id, [32]byte{})
//
// A document may change at any time, and its store may not know its digest. So it is read
// once into a bounded spool, hashed and scanned there, and exactly those bytes are handed
// out. A verdict is remembered for the bytes and the version of the signatures, never for an
// id; all proxies share it, and one of them scans the same bytes at a time.
package inspect

import (
	"context"
	"errors"
	"sync"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/spool"
)

// Inspector scans documents for one proxy.
type Inspector struct {
	cfg      Options
	verdicts *verdicts
	turns    chan struct{} // one for each inspection at a time
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup

	spool *spool.Spool // by SHA-256

	mu       sync.Mutex
	current  map[string]*inspection // by document id
	outcomes map[string]outcome     // fresh ones, by document id
	closed   bool
}

var _ proxy.Inspector = (*Inspector)(nil)

// outcome is the result of an inspection.
type outcome struct {
	sum [32]byte
	err error // why the document is not handed out
	at  time.Time
}

// Open returns an inspector with an empty spool. It shares its verdicts with all others on
// the engine, which outlives it.
func Open(ctx context.Context, e *engine.Engine, o Options) (*Inspector, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	v, err := openVerdicts(ctx, e, o.KeepVerdicts)
	if err != nil {
		return nil, err
	}
	s, err := spool.Open(spool.Options{Dir: o.Dir, MaxBytes: o.MaxBytes, Reserve: o.Reserve})
	if err != nil {
		return nil, err
	}
	i := &Inspector{
		cfg: o, verdicts: v, turns: make(chan struct{}, o.MaxInspections), spool: s,
		current: map[string]*inspection{}, outcomes: map[string]outcome{},
	}
	i.ctx, i.stop = context.WithCancel(context.Background())
	i.running.Go(i.expire)
	return i, nil
}

// Close ends all inspections and empties the spool. Contents that are open stay readable.
func (i *Inspector) Close() {
	i.stop()
	i.running.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	i.spool.Close()
}

// Inspect returns the content of a document once it was scanned; its Document has the
// SHA-256 of exactly that content. Content with the SHA-256 clean is not scanned again: our
// delivery has done so. Zero: it has not. Who waits may leave: the inspection goes on.
//
// Codes: infected and unscannable, in a [*proxy.RejectedError]; scanner-unavailable, busy,
// storage-full, timeout, and those of the document store.
func (i *Inspector) Inspect(ctx context.Context, id string, clean [32]byte) (proxy.Content, error) {
	for {
		content, one, err := i.begin(id, clean)
		if content != nil || err != nil {
			return content, err
		}
		select {
		case <-one.done:
		case <-ctx.Done():
			return nil, bridge.WrapError(bridge.CodeBusy, ctx.Err())
		}
		if one.err != nil {
			return nil, one.err
		}
		if content := i.reader(one.sum); content != nil {
			return content, nil
		}
		// Others have already needed its room.
	}
}

// Open returns the content with that SHA-256, which was found clean before: from the spool,
// or as the store still has it. If the document has changed, the code is document-changed.
func (i *Inspector) Open(ctx context.Context, id string, sum [32]byte) (proxy.Content, error) {
	if content := i.reader(sum); content != nil {
		return content, nil
	}
	content, err := i.Inspect(ctx, id, sum)
	if err != nil {
		return nil, err
	}
	if content.Document().SHA256 != sum {
		content.Close()
		return nil, bridge.NewError(bridge.CodeDocumentChanged, "")
	}
	return content, nil
}

// begin returns the content if a fresh inspection has found it clean, or else the inspection
// to wait for.
func (i *Inspector) begin(id string, clean [32]byte) (proxy.Content, *inspection, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || i.ctx.Err() != nil {
		return nil, nil, bridge.NewError(bridge.CodeBusy, "")
	}
	if o, ok := i.outcomes[id]; ok && time.Since(o.at) < i.cfg.Fresh {
		if o.err != nil {
			return nil, nil, o.err
		}
		if content := i.reader(o.sum); content != nil {
			return content, nil, nil
		}
	}
	one := i.current[id]
	if one == nil {
		one = &inspection{Inspector: i, id: id, clean: clean, done: make(chan struct{})}
		i.current[id] = one
		i.running.Go(one.run)
	}
	return nil, one, nil
}

// reader opens the content with that SHA-256; nil if the spool does not have it.
func (i *Inspector) reader(sum [32]byte) proxy.Content { return i.spool.Content(string(sum[:])) }

// expire removes what nobody has used for a while.
func (i *Inspector) expire() {
	tick := time.NewTicker(min(i.cfg.Keep, time.Minute))
	defer tick.Stop()
	for {
		select {
		case <-i.ctx.Done():
			return
		case <-tick.C:
			i.sweep(time.Now())
		}
	}
}

func (i *Inspector) sweep(now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for id, o := range i.outcomes {
		if now.Sub(o.at) >= i.cfg.Fresh {
			delete(i.outcomes, id)
		}
	}
	i.spool.Sweep(now.Add(-i.cfg.Keep))
}

// end makes the result of an inspection known.
func (i *Inspector) end(one *inspection) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.current, one.id)
	if _, rejected := errors.AsType[*proxy.RejectedError](one.err); rejected || one.err == nil {
		i.outcomes[one.id] = outcome{sum: one.sum, err: one.err, at: time.Now()}
	}
	close(one.done)
}
