package files

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io/fs"

	"attache/bridge"
	"attache/proxy"

	"golang.org/x/sync/errgroup"
)

// load makes the files of a new content, or learns what an earlier process has left. It goes on
// when ctx ends, so that the next try finds it done; only Discard ends it. The caller holds
// the lock.
func (c *content) load(ctx context.Context, d proxy.Document, acked int64) error {
	if !c.loading {
		c.loading = true
		c.failed = nil
		var wanted context.Context
		wanted, c.stopLoading = context.WithCancel(c.store.ctx)
		c.store.running.Go(func() {
			err := c.read(wanted, d, acked)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.loading, c.failed, c.guessed = false, err, acked < 0
			c.stopLoading()
			c.notify()
		})
	}
	for c.loading {
		if err := c.await(ctx); err != nil {
			return err
		}
	}
	return c.failed
}

// read is load without the lock: nothing else touches the content meanwhile.
func (c *content) read(wanted context.Context, d proxy.Document, acked int64) error {
	disk := c.store.files()
	if _, err := disk.Size(c.paths.document); err == nil {
		return bridge.NewError(bridge.CodeUploadConflict, "the upload is complete already")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.store.days.ensure(c.paths.day); err != nil {
		return c.store.report(err)
	}
	known, sealed, err := c.described(disk, d)
	if errors.Is(err, fs.ErrNotExist) { // somebody has removed the day
		c.store.days.forget(c.paths.day)
		if err = c.store.days.ensure(c.paths.day); err == nil {
			known, sealed, err = c.described(disk, d)
		}
	}
	if err != nil {
		return c.store.report(err)
	}
	crashPoint("description written")
	f, err := disk.Create(c.paths.part)
	if err == nil {
		crashPoint("content created")
		f.Close()
		return c.learn(d.Size, 0, sha256.New(), false, false)
	}
	if !errors.Is(err, fs.ErrExist) {
		return c.store.report(err)
	}
	f, size, err := openSized(disk, c.paths.part)
	if err != nil {
		return c.store.report(err)
	}
	defer f.Close()
	if size, err = c.trust(f, size, d.Size, acked); err != nil {
		return c.store.report(err)
	}
	h, err := c.store.rebuild(wanted, f, size)
	if err != nil {
		return err
	}
	sealed = sealed && known.Size == size && known.SHA256 == [32]byte(h.Sum(nil))
	return c.learn(d.Size, size, h, true, sealed)
}

// described makes the description, unless a whole one exists.
func (c *content) described(disk Disk, d proxy.Document) (known proxy.Document, sealed bool, err error) {
	lines, err := readText(disk, c.paths.description)
	if err == nil {
		known, sealed, err = parseDescriptionOf(c.id, lines)
	}
	switch {
	case err == nil:
		if c.text.lines == nil {
			c.text = textOf(lines)
		}
		return known, sealed, nil
	case errors.Is(err, errDescription): // it was cut by a power failure
		if err := disk.Remove(c.paths.description); err != nil {
			return known, false, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return known, false, err
	}
	first, err := line(describe(d))
	if err != nil {
		return known, false, err
	}
	c.text = text{lines: first}
	return known, false, writeNew(disk, c.paths.description, first)
}

// trust cuts the file to what may be trusted, and makes that durable, because the page is going
// to be sent that position. A file that an earlier process has left may have bytes that were
// never synced. If the page knows what it was acked, they are cut off; if it does not, it
// compares digests.
func (c *content) trust(f File, size, offered, acked int64) (int64, error) {
	to := size
	if acked >= 0 {
		to = min(to, acked)
	}
	if offered >= 0 {
		to = min(to, offered)
	}
	if to < size {
		if err := f.Truncate(to); err != nil {
			return 0, err
		}
		crashPoint("content cut")
	}
	var all errgroup.Group
	all.Go(func() error { return c.inherited.sync(f) })
	all.Go(func() error { return c.text.sync(c.store.files(), c.paths.description, nil) })
	all.Go(func() error { return c.store.days.sync(c.paths.day) })
	return to, all.Wait()
}

// learn sets what is known from now on.
func (c *content) learn(offered, size int64, h hash.Hash, named, sealed bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size, c.written, c.hash, c.named, c.sealed = offered, size, h, named, sealed
	m, err := c.mark()
	if err == nil {
		c.durable, c.loaded, c.cut = m, true, false
	}
	return err
}

// rebuild hashes the first size bytes of a file, unless they are not wanted any more.
func (s *Store) rebuild(wanted context.Context, f File, size int64) (hash.Hash, error) {
	h := sha256.New()
	if size == 0 {
		return h, nil
	}
	select {
	case s.rebuilds <- struct{}{}:
	case <-wanted.Done():
		return nil, s.unwanted()
	}
	defer func() { <-s.rebuilds }()
	piece := make([]byte, min(size, rebuildPiece))
	for at := int64(0); at < size; {
		if wanted.Err() != nil {
			return nil, s.unwanted()
		}
		n, err := f.ReadAt(piece[:min(size-at, rebuildPiece)], at)
		if n == 0 && err != nil {
			return nil, err
		}
		h.Write(piece[:n])
		at += int64(n)
	}
	return h, nil
}

// unwanted is the error of a rebuild that was stopped.
func (s *Store) unwanted() error {
	if s.ctx.Err() != nil {
		return errClosed
	}
	return bridge.NewError(bridge.CodeSuperseded, "the content was discarded")
}

// rebuildPiece is how many bytes are read at a time.
const rebuildPiece = 1 << 20
