package files

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"attache/bridge"
	"attache/proxy"
)

// Add makes a document of the staged content of d.ID, if that ends at d.Size with the digest
// d.SHA256. Adding it again replaces its description. Settle makes it durable.
func (s *Store) Add(ctx context.Context, d proxy.Document) (string, error) {
	if err := d.CheckLengths(); err != nil {
		return "", err
	}
	c, release, err := s.content(d.ID)
	if err == nil {
		defer release()
		c.mu.Lock()
		defer c.mu.Unlock()
		err = c.add(ctx, d)
	}
	if err != nil {
		return "", fmt.Errorf("add the document %s: %w", d.ID, storage(err))
	}
	return d.ID, nil
}

func (c *content) add(ctx context.Context, d proxy.Document) error {
	if d.Created.IsZero() {
		d.Created = c.store.now()
	}
	if err := c.quiet(ctx); err != nil {
		return err
	}
	disk := c.store.files()
	_, err := disk.Size(c.paths.document)
	if err == nil {
		return c.addAgain(disk, d)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.verify(ctx, disk, d); err != nil {
		return err
	}
	if size, err := disk.Size(c.paths.part); errors.Is(err, fs.ErrNotExist) || err == nil && size != c.durable.size {
		c.reset() // somebody has touched the file
		return compare(d, -1, d.SHA256)
	}
	if err := c.redescribe(disk, d); err != nil {
		return c.store.report(err)
	}
	c.owner = nil
	if err := disk.Rename(c.paths.part, c.paths.document); err != nil {
		return c.store.report(err)
	}
	crashPoint("document named")
	c.reset()
	return nil
}

// verify compares the staged content with the document. Content that this process did not write
// is read again, even if it is sealed: the seal may have become durable before the bytes.
func (c *content) verify(ctx context.Context, disk Disk, d proxy.Document) error {
	if !c.loaded {
		size, err := disk.Size(c.paths.part)
		if errors.Is(err, fs.ErrNotExist) && d.Size > 0 || err == nil && size != d.Size {
			return compare(d, size, sha256.Sum256(nil))
		}
		if err := c.load(ctx, d, -1); err != nil {
			return err
		}
	}
	if c.cut {
		return bridge.NewError(bridge.CodeDigest, "the file is not whole")
	}
	return compare(d, c.durable.size, c.sum())
}

func compare(d proxy.Document, size int64, sum [32]byte) error {
	if size < 0 {
		return bridge.NewError(bridge.CodeDigest, "the stored file was changed")
	}
	if size != d.Size {
		return bridge.NewError(bridge.CodeDigest, fmt.Sprintf("%d bytes are stored of a file of %d", size, d.Size))
	}
	if sum != d.SHA256 {
		return bridge.NewError(bridge.CodeDigest, "")
	}
	return nil
}

// redescribe makes the description that of d, with its seal. Mostly it is already: it was written
// at the offer and sealed with the last byte. Otherwise the description is durable before the
// document has its name.
func (c *content) redescribe(disk Disk, d proxy.Document) error {
	fresh := c.paths.description + freshSuffix
	if err := remove(disk, fresh); err != nil {
		return err
	}
	known, sealed, err := readDescription(disk, c.paths, c.id)
	if err == nil && sealed && same(known, d) {
		return nil
	}
	return c.describeAs(disk, d)
}

// replace makes a file that has the text, durably, whether it existed or not.
func (c *content) replace(disk Disk, name string, with text) error {
	fresh := name + freshSuffix
	if err := writeNew(disk, fresh, with.lines); err != nil {
		return err
	}
	if err := with.sync(disk, fresh, nil); err != nil {
		return err
	}
	if err := disk.Rename(fresh, name); err != nil {
		return err
	}
	return c.store.days.sync(c.paths.day)
}

func same(a, b proxy.Document) bool {
	created := a.Created.Equal(b.Created)
	a.Created = b.Created
	return created && a.Typed() == b.Typed()
}

// addAgain replaces the description of a document that exists.
func (c *content) addAgain(disk Disk, d proxy.Document) error {
	known, sealed, err := readDescription(disk, c.paths, c.id)
	if err != nil {
		return err
	}
	if !sealed {
		return bridge.NewError(bridge.CodeDigest, "the document's description has no digest")
	}
	if err := compare(d, known.Size, known.SHA256); err != nil {
		return err
	}
	return c.store.report(c.redescribe(disk, d))
}

// Settle makes the name of an added document durable.
func (s *Store) Settle(_ context.Context, id string) error {
	p, err := pathsOf(id)
	if err == nil {
		_, err = s.files().Size(p.document)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = bridge.NewError(bridge.CodeDocument, "")
	}
	if err == nil {
		err = s.report(s.days.sync(p.day))
	}
	crashPoint("document settled")
	if err != nil {
		return fmt.Errorf("settle the document %s: %w", id, storage(err))
	}
	return nil
}

// Open opens a document for reading. The reader ends with Close, not with ctx.
func (s *Store) Open(_ context.Context, id string) (proxy.Content, error) {
	r, err := s.document(id)
	if err != nil {
		return nil, fmt.Errorf("open the document %s: %w", id, storage(err))
	}
	return r, nil
}

// describedFile returns the description of an open document.
func describedFile(f File, lines []byte, id string) (proxy.Document, error) {
	d, sealed, err := parseDescriptionOf(id, lines)
	if err != nil {
		return d, err
	}
	size, err := f.Size()
	if err == nil && (!sealed || size != d.Size) {
		err = fmt.Errorf("the file has %d bytes, and its description says otherwise", size)
	}
	return d, err
}

func openForReading(disk Disk, name string) (File, error) {
	f, err := disk.Open(name, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, bridge.NewError(bridge.CodeDocument, "")
	}
	return f, err
}

// Remove deletes a document, durably; for an unknown id it does nothing.
func (s *Store) Remove(ctx context.Context, id string) error {
	c, release, err := s.content(id)
	if err != nil {
		return nil // no document has that id
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.remove(ctx); err != nil {
		return fmt.Errorf("remove the document %s: %w", id, s.report(err))
	}
	return nil
}

func (c *content) remove(ctx context.Context) error {
	if err := c.quiet(ctx); err != nil {
		return err
	}
	disk := c.store.files()
	if _, err := disk.Size(c.paths.part); !errors.Is(err, fs.ErrNotExist) {
		return err // it is not a document, or may not be one
	}
	_, _, err := readDescription(disk, c.paths, c.id)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return nil // it is another document's
	}
	if err := remove(disk, c.paths.document); err != nil {
		return err
	}
	crashPoint("document half removed")
	if err := c.removeDescription(disk); err != nil {
		return err
	}
	// An earlier Remove may have failed before this.
	if err := c.store.days.sync(c.paths.day); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeDescription removes everything beside the content, the description last.
func (c *content) removeDescription(disk Disk) error {
	for _, name := range []string{
		c.paths.links + freshSuffix, c.paths.links, c.paths.description + freshSuffix, c.paths.description,
	} {
		if err := remove(disk, name); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a file that may not exist.
func remove(disk Disk, name string) error {
	err := disk.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
