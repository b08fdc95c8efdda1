package files

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"attache/bridge"
	"attache/proxy"

	"golang.org/x/sync/errgroup"
)

// maxUnsynced is how many bytes of one content may be written and not durable. It is as much
// as a page has on its way.
const maxUnsynced = 8 << 20

// writer is the right to write a content, until another one begins.
type writer struct {
	content *content
	offset  int64 // guarded by the content's lock
}

var _ proxy.Writer = (*writer)(nil)

// MaxChunk is the largest piece that Append takes: a frame's payload.
func (w *writer) MaxChunk() int { return bridge.MaxFrame }

// Offset is the next byte expected.
func (w *writer) Offset() int64 {
	w.content.mu.Lock()
	defer w.content.mu.Unlock()
	return w.offset
}

// Stored is how many bytes are durable.
func (w *writer) Stored() int64 {
	w.content.mu.Lock()
	defer w.content.mu.Unlock()
	return w.content.durable.size
}

// Sum is the SHA-256 of everything appended.
func (w *writer) Sum() [32]byte {
	w.content.mu.Lock()
	defer w.content.mu.Unlock()
	return w.content.sum()
}

// Close gives the right to write up.
func (w *writer) Close() error {
	c := w.content
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owner != w {
		return nil
	}
	c.owner = nil
	c.hurry()
	if !c.syncing {
		c.shut()
	}
	return nil
}

// Append writes p and returns. It waits while too much of the content is not durable; ctx ends
// that wait, and then nothing was written.
func (w *writer) Append(ctx context.Context, p []byte, onDurable func(int64, error)) error {
	if len(p) == 0 || len(p) > w.MaxChunk() {
		return fmt.Errorf("append %d bytes: a piece has 1 to %d", len(p), w.MaxChunk())
	}
	if err := w.content.store.files().volume.AdmitWrite(); err != nil {
		return err
	}
	if err := w.append(ctx, p, onDurable); err != nil {
		return fmt.Errorf("write the content of %s: %w", w.content.id, storage(err))
	}
	return nil
}

func (w *writer) append(ctx context.Context, p []byte, onDurable func(int64, error)) error {
	c := w.content
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.owner == w && (c.written-c.durable.size > maxUnsynced || c.syncing && c.store.handles.wanted()) {
		c.hurry()
		if err := c.await(ctx); err != nil {
			return err
		}
	}
	if c.owner == w {
		if err := c.open(ctx); err != nil {
			return err
		}
	}
	if c.owner != w || c.file == nil {
		return bridge.NewError(bridge.CodeSuperseded, "")
	}
	if err := c.write(p); err != nil {
		return c.fail(err)
	}
	crashPoint("piece written")
	c.guessed = false
	c.written += int64(len(p))
	w.offset = c.written
	c.waiting = append(c.waiting, piece{c.written, onDurable})
	if !c.syncing {
		c.syncing = true
		c.store.running.Go(c.sync)
	} else if c.due() {
		c.hurry()
	}
	return nil
}

// besideWrite is the length from which on a piece is hashed beside its writing: below, starting
// a goroutine costs more.
const besideWrite = 64 << 10

// write writes p after everything that was written, and hashes it meanwhile. If it fails, the
// hash is that of what was written before, because a sync may be about to take it.
func (c *content) write(p []byte) error {
	if len(p) < besideWrite {
		_, err := c.file.WriteAt(p, c.written)
		if err == nil {
			c.hash.Write(p)
		}
		return err
	}
	before, err := c.mark()
	if err != nil {
		return err
	}
	hashed := make(chan struct{})
	go func() {
		defer close(hashed)
		c.hash.Write(p)
	}()
	_, err = c.file.WriteAt(p, c.written)
	<-hashed
	if err == nil {
		return nil
	}
	return errors.Join(err, c.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(before.state))
}

// batchSize is how many bytes a round waits for, but no longer than the store lingers: many
// small rounds keep the processor busy, and the disk. A page has more than that on its way,
// so it does not wait for the acks.
const batchSize = 4 << 20

// due reports that a round need not wait for more bytes.
func (c *content) due() bool {
	return c.owner == nil || c.written == c.size || c.written-c.durable.size >= batchSize
}

// hurry ends the wait of a round.
func (c *content) hurry() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// linger waits until a round is due.
func (c *content) linger() {
	c.mu.Lock()
	wait := c.store.linger > 0 && len(c.waiting) > 0 && !c.due()
	c.mu.Unlock()
	if !wait {
		return
	}
	timer := time.NewTimer(c.store.linger)
	defer timer.Stop()
	select {
	case <-c.ready:
	case <-timer.C:
	case <-c.store.ctx.Done():
	}
}

// sync makes pieces durable as long as there are any: each round all that were written before
// it.
func (c *content) sync() {
	for {
		c.linger()
		batch, err := c.round()
		if batch == nil {
			return
		}
		for _, p := range batch {
			if p.onDurable != nil {
				p.onDurable(p.end, err)
			}
		}
	}
}

// round returns the pieces whose outcome is known, and nil after the last ones.
func (c *content) round() ([]piece, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.notify()
	if len(c.waiting) == 0 {
		c.endRounds()
		return nil, nil
	}
	batch := c.waiting
	c.waiting = nil
	to, err := c.mark()
	if err == nil {
		err = c.flush(to)
	}
	if err != nil {
		batch = append(batch, c.waiting...)
		c.waiting = nil
		err = c.fail(err)
	}
	return batch, err
}

// endRounds is called after the last round.
func (c *content) endRounds() {
	c.syncing, c.waiting = false, nil
	if c.cut {
		c.repair()
	}
	if c.undescribed && !c.cut {
		c.reset() // somebody has removed the description: the next Begin makes it again
	}
	if c.owner == nil || c.store.handles.wanted() {
		c.shut()
	}
	c.store.handles.idle()
}

// flush makes everything before to durable: the bytes, and the first time the names and the
// description too, and with the last byte the digest. It releases the lock meanwhile, so that
// the next pieces are written.
func (c *content) flush(to mark) error {
	disk, file, named := c.store.files(), c.file, c.named
	var digest []byte
	whole := to.size == c.size && !c.sealed
	if whole {
		var err error
		if digest, err = sealLine(to.size, c.sum()); err != nil {
			return err
		}
	}
	c.mu.Unlock()
	var all errgroup.Group
	all.Go(file.Sync)
	if !named || whole {
		all.Go(func() error { return c.text.sync(disk, c.paths.description, digest) })
	}
	if !named {
		all.Go(func() error { return c.store.days.sync(c.paths.day) })
	}
	err := all.Wait()
	crashPoint("pieces synced")
	if whole {
		crashPoint("content sealed")
	}
	c.mu.Lock()
	if err != nil {
		return err
	}
	c.durable, c.named, c.sealed = to, true, c.sealed || whole
	return nil
}

// fail ends the writer. A sync that has failed is not repeated, because a second one may
// succeed without having written the bytes: they are cut off.
func (c *content) fail(cause error) error {
	c.owner, c.cut = nil, true
	c.undescribed = errors.Is(cause, fs.ErrNotExist)
	err := c.store.report(cause)
	if !c.syncing {
		c.repair()
		c.shut()
	}
	return err
}

// repair cuts the file to what is durable, and rewinds the hash. If the disk does not take
// that, the next Begin repeats it.
func (c *content) repair() error {
	if c.file == nil {
		return errUnrepaired
	}
	if err := c.file.Truncate(c.durable.size); err != nil {
		return err
	}
	if err := c.rewind(); err != nil {
		return err
	}
	c.cut = false
	return nil
}
