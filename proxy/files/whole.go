package files

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"io/fs"

	"attache/bridge"
	"attache/proxy"
)

// Whole reports whether the content is whole. An earlier process has sealed it then, and its
// bytes are read again, because the seal may have become durable before them.
func (s *Store) Whole(ctx context.Context, id string) (size int64, sum [32]byte, whole bool, err error) {
	c, release, err := s.content(id)
	if err != nil {
		return 0, sum, false, nil // no content has that id
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	size, sum, whole, err = c.whole(ctx)
	if err != nil {
		err = fmt.Errorf("read the content of %s again: %w", id, storage(err))
	}
	return size, sum, whole, err
}

func (c *content) whole(ctx context.Context) (size int64, sum [32]byte, whole bool, err error) {
	if c.loaded && !c.syncing {
		size, err := c.store.files().Size(c.paths.part)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, sum, false, err
		}
		if err != nil || size != c.durable.size {
			return 0, sum, false, nil // somebody has touched the file
		}
	}
	if !c.loaded {
		size, sealed, err := c.reread(ctx)
		if !sealed || err != nil {
			return size, sha256.Sum256(nil), size == 0 && err == nil, err
		}
	}
	h := sha256.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(c.durable.state); err != nil {
		return 0, sum, false, err
	}
	h.Sum(sum[:0])
	// Without a seal, bytes that an earlier process has left may be any.
	return c.durable.size, sum, c.sealed || c.size == 0, nil
}

// reread reads content that is sealed, and returns the length of any other.
func (c *content) reread(ctx context.Context) (size int64, sealed bool, err error) {
	disk := c.store.files()
	size, err = disk.Size(c.paths.part)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	known, sealed, err := readDescription(disk, c.paths, c.id)
	if errors.Is(err, errDescription) || errors.Is(err, fs.ErrNotExist) || bridge.CodeOf(err) == bridge.CodeDocument {
		return size, false, nil
	}
	if err != nil || !sealed || known.Size != size {
		return size, false, err
	}
	return size, true, c.load(ctx, proxy.Document{ID: c.id, Size: size}, -1)
}
