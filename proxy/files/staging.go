package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"attache/bridge"
	"attache/proxy"
)

// Begin takes the right to write the content of d.ID and continues after the last durable
// byte. After a restart it reads what is there to rebuild the hash: once, however often Begin
// is repeated because ctx has ended.
func (s *Store) Begin(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
	w, err := s.begin(ctx, d, acked)
	if err != nil {
		return nil, fmt.Errorf("begin the content of %s: %w", d.ID, storage(err))
	}
	return w, nil
}

func (s *Store) begin(ctx context.Context, d proxy.Document, acked int64) (*writer, error) {
	if err := s.files().volume.AdmitWrite(); err != nil {
		return nil, err
	}
	c, release, err := s.content(d.ID)
	if err != nil {
		return nil, err
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owner = nil
	if err := c.quiet(ctx); err != nil {
		return nil, err
	}
	if c.cut {
		if err := c.recut(ctx); err != nil {
			return nil, err
		}
	}
	switch {
	case acked < 0:
	case c.guessed && !c.sealed && acked < c.durable.size:
		c.loaded = false // the bytes after acked are any
	default:
		c.guessed = false // every byte was acked
	}
	for !c.loaded {
		if err := c.load(ctx, d, acked); err != nil {
			return nil, err
		}
	}
	c.owner = &writer{content: c, offset: c.written}
	return c.owner, nil
}

// recut repeats the cut after a failed sync. If the file has lost durable bytes since, nothing
// is known of the content any more.
func (c *content) recut(ctx context.Context) error {
	err := c.open(ctx)
	if err == nil {
		err = c.store.report(c.repair())
	}
	if !c.loaded {
		return nil
	}
	return err
}

// Staged opens the durable content of id.
func (s *Store) Staged(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	r, err := s.staged(ctx, id)
	if errors.Is(err, errDocument) {
		r, err = s.document(id)
	}
	if err != nil {
		return nil, fmt.Errorf("open the content of %s: %w", id, storage(err))
	}
	return r, nil
}

func (s *Store) staged(ctx context.Context, id string) (*reader, error) {
	c, release, err := s.content(id)
	if err != nil {
		return nil, err
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	disk := s.files()
	if _, _, err := readDescription(disk, c.paths, id); bridge.CodeOf(err) == bridge.CodeDocument {
		return nil, err // it is another content's
	}
	f, err := openForReading(disk, c.paths.part)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return nil, errDocument
	}
	if err != nil {
		return nil, err
	}
	size := c.durable.size
	if !c.loaded {
		if size, err = f.Size(); err != nil {
			f.Close()
			return nil, err
		}
	}
	return newReader(f, proxy.Document{ID: id, Size: size}), nil
}

// Discard removes the content of id, unless it has become a document.
func (s *Store) Discard(ctx context.Context, id string) error {
	c, release, err := s.content(id)
	if err != nil {
		return nil // no content has that id
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.discard(ctx); err != nil {
		return fmt.Errorf("discard the content of %s: %w", id, s.report(err))
	}
	return nil
}

func (c *content) discard(ctx context.Context) error {
	c.owner = nil
	if c.loading {
		c.stopLoading()
	}
	if err := c.quiet(ctx); err != nil {
		return err
	}
	disk := c.store.files()
	if _, err := disk.Size(c.paths.document); !errors.Is(err, fs.ErrNotExist) {
		return err // it is a document, or may be one
	}
	if _, _, err := readDescription(disk, c.paths, c.id); bridge.CodeOf(err) == bridge.CodeDocument {
		return nil // it is another content's
	}
	c.reset()
	if err := remove(disk, c.paths.part); err != nil {
		return err
	}
	crashPoint("content half discarded")
	return c.removeDescription(disk)
}
