package files

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"hash"
	"io/fs"
	"sync"

	"attache/bridge"
)

// content is what the store knows of the files of one id.
type content struct {
	store *Store
	id    string
	paths paths

	element *list.Element // in the store's contents, and
	users   int           // how many operations use it: guarded by the store's lock

	handle *list.Element // guarded by the handles' lock

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when something has changed that others wait for
	owner   *writer       // who may write; nil: nobody
	file    File          // nil: closed

	loaded  bool // the staged file exists, and what follows describes it
	loading bool
	// stopLoading ends a loading whose result nobody wants.
	stopLoading context.CancelFunc
	failed      error     // of the last loading
	size        int64     // as offered; -1: unknown
	hash        hash.Hash // of everything written; nil: nothing is loaded
	last        [32]byte  // the digest of what was loaded last, for writers that have lost their right
	written     int64
	durable     mark
	named       bool // the names of file and description are durable
	guessed     bool // it was loaded without knowing what was acked, and nothing was written since
	sealed      bool // the description has the digest, durably
	cut         bool // the file may be longer than what is durable: a sync has failed

	undescribed bool // its description was not there when it was synced

	text      text   // of the description
	inherited resync // bytes that an earlier process has left

	ready   chan struct{} // a round need not wait for more bytes
	syncing bool          // pieces are on their way to the disk
	waiting []piece
}

// mark is a position in a content, and the state of the hash there.
type mark struct {
	size  int64
	state []byte
}

// piece is written and not durable yet.
type piece struct {
	end       int64
	onDurable func(int64, error)
}

func (c *content) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// await waits, without the lock, until something has changed.
func (c *content) await(ctx context.Context) error {
	changed := c.changed
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.store.ctx.Done():
		return errClosed
	}
}

// quiet waits until nothing is on its way to the disk.
func (c *content) quiet(ctx context.Context) error {
	c.hurry()
	for c.syncing || c.loading {
		if err := c.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// reset forgets everything about a staged file that no longer exists.
func (c *content) reset() {
	c.shut()
	if c.hash != nil {
		c.last = c.sum()
	}
	c.owner, c.hash, c.durable = nil, nil, mark{}
	c.loaded, c.named, c.sealed, c.cut = false, false, false, false
	c.size, c.written, c.guessed, c.undescribed = 0, 0, false, false
	c.text, c.inherited = text{}, resync{}
}

// shut closes the file and gives its handle back.
func (c *content) shut() {
	c.closeFile()
	c.store.handles.release(c)
}

func (c *content) closeFile() {
	if c.file != nil {
		c.file.Close()
		c.file = nil
	}
}

// mark is the present end of what was written.
func (c *content) mark() (mark, error) {
	state, err := c.hash.(encoding.BinaryAppender).AppendBinary(nil)
	return mark{c.written, state}, err
}

// sum is the digest of everything written.
func (c *content) sum() (sum [32]byte) {
	if c.hash == nil {
		return c.last
	}
	c.hash.Sum(sum[:0])
	return sum
}

// rewind goes back to what is durable.
func (c *content) rewind() error {
	h := sha256.New()
	if len(c.durable.state) > 0 {
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(c.durable.state); err != nil {
			return err
		}
	}
	c.hash, c.written = h, c.durable.size
	return nil
}

// open opens the staged file. If it is gone, or shorter than what was durable, somebody has
// touched it: the next Begin reads what is there.
func (c *content) open(ctx context.Context) error {
	if c.file != nil {
		c.store.handles.used(c)
		return nil
	}
	if err := c.store.handles.acquire(ctx, c); err != nil || c.file != nil {
		return err
	}
	f, size, err := openSized(c.store.files(), c.paths.part)
	if err == nil && size < c.durable.size {
		err = errors.Join(errShort, f.Close())
	}
	if err == nil {
		c.file = f
		return nil
	}
	c.store.handles.release(c)
	if errors.Is(err, errShort) || errors.Is(err, fs.ErrNotExist) {
		c.store.log.Error("a staged file has lost bytes that were durable", "document", c.id, "durable", c.durable.size, "error", err)
		c.reset()
		return bridge.NewError(bridge.CodeSuperseded, "")
	}
	return c.store.report(err)
}

// openSized opens a file for writing, and returns its length.
func openSized(disk Disk, name string) (File, int64, error) {
	f, err := disk.Open(name, true)
	if err != nil {
		return nil, 0, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, size, nil
}
