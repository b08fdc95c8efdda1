package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"attache/proxy/files"
)

// The names in a data directory, see package files.
const (
	documentsDir      = "documents"
	stagedDir         = "staged"
	partSuffix        = ".part"
	descriptionSuffix = ".json"
	linksSuffix       = ".links"
)

// roots are the directories with content. A proxy has one of them.
var roots = []string{documentsDir, stagedDir}

// isBeside reports whether a file is not content, but says something about it.
func isBeside(name string) bool {
	return strings.HasSuffix(name, descriptionSuffix) || strings.HasSuffix(name, linksSuffix)
}

// copies is how many files are copied at once: each waits for the disk at its end.
const copies = 4

// content copies the files of a data directory.
type content struct {
	from, to string
	earlier  []string // backups that have files already, the newest first
	// incoming reports whether the copied records say that bytes of that upload are missing. It
	// may have become a document meanwhile; in the copy it has its staged name, so that its
	// page, or the delivery loop, finds it whole and not yet accepted.
	incoming map[string]bool
	unsynced bool // the caller makes everything durable at once

	mu     sync.Mutex
	sizes  map[string]int64 // of each file in the copy, by its name below to
	copied int64            // bytes that no earlier backup had
}

func newContent(from, to string, earlier []string, incoming map[string]bool) *content {
	return &content{from: from, to: to, earlier: earlier, incoming: incoming, sizes: map[string]int64{}}
}

// copyDocuments copies all documents with their descriptions. What is removed meanwhile is
// missing in the copy.
func (c *content) copyDocuments(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(copies)
	for _, root := range roots {
		for _, day := range days(filepath.Join(c.from, root)) {
			names, err := list(filepath.Join(c.from, root, day))
			if err != nil {
				return errors.Join(err, all.Wait())
			}
			for _, id := range names {
				if strings.Contains(id, ".") {
					continue
				}
				all.Go(func() error {
					if ctx.Err() != nil {
						return ctx.Err()
					}
					return missingIsNil(c.document(filepath.Join(root, day, id)))
				})
			}
		}
	}
	return all.Wait()
}

// days lists the directories of days; a directory that does not exist has none.
func days(dir string) []string {
	names, _ := list(dir)
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := time.Parse(time.DateOnly, name)
		return err != nil
	})
}

func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func missingIsNil(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// document copies a document with its description. It fails with fs.ErrNotExist if the document
// does not exist, or no longer.
func (c *content) document(name string) error {
	to := name
	if c.incoming[filepath.Base(name)] {
		to += partSuffix
	}
	size, described, err := c.consistent(name, to)
	if errors.Is(err, fs.ErrNotExist) {
		if _, still := os.Lstat(filepath.Join(c.from, name)); still == nil {
			return fmt.Errorf("the document %s has no description", name)
		}
		return errors.Join(err, os.Remove(filepath.Join(c.to, to)))
	}
	if err != nil {
		return err
	}
	linked, err := c.beside(name + linksSuffix)
	if err == nil {
		c.add(name+linksSuffix, linked)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	c.add(to, size)
	c.add(name+descriptionSuffix, described)
	return nil
}

// consistent copies a document's bytes and its description. If the document was updated
// meanwhile, it copies both again.
func (c *content) consistent(name, to string) (size, described int64, err error) {
	for {
		before, err := os.ReadFile(filepath.Join(c.from, name+descriptionSuffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, 0, err
		}
		if size, err = c.linkOrCopy(name, to, before); err != nil {
			return 0, 0, err
		}
		if described, err = c.beside(name + descriptionSuffix); err != nil {
			return 0, 0, err
		}
		after, err := os.ReadFile(filepath.Join(c.to, name+descriptionSuffix))
		if err != nil || bytes.Equal(before, after) {
			return size, described, err
		}
	}
}

// updated reports whether a document in the copy is not the one that its record names, because it
// was updated: its description says how long it is.
func (c *content) updated(name string, size int64) bool {
	described, err := os.ReadFile(filepath.Join(c.to, strings.TrimSuffix(name, partSuffix)+descriptionSuffix))
	if err != nil {
		return false
	}
	d, whole, err := files.ParseDescription(described)
	return err == nil && whole && d.Size == size
}

// staged copies the bytes of an upload that is not announced. They may have become a document,
// or do so between two looks.
func (c *content) staged(name string) error {
	part := name + partSuffix
	size, err := c.copyFile(part, part)
	if err != nil {
		return err
	}
	described, err := c.beside(name + descriptionSuffix)
	if err == nil {
		c.add(part, size)
		c.add(name+descriptionSuffix, described)
	}
	return err
}

func (c *content) add(name string, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sizes[name] = size
}

// linkOrCopy links a document from an earlier backup that has it, or copies it. Its description
// has its digest, so the name, the size and the same description are enough to know it.
func (c *content) linkOrCopy(name, to string, description []byte) (int64, error) {
	info, err := regular(filepath.Join(c.from, name))
	if err != nil {
		return 0, err
	}
	for _, dir := range c.earlier {
		old, err := regular(filepath.Join(dir, name))
		if err != nil || old.Size() != info.Size() {
			continue
		}
		if d, err := os.ReadFile(filepath.Join(dir, name+descriptionSuffix)); err != nil || !bytes.Equal(d, description) {
			continue
		}
		if c.makeDir(to) == nil && os.Link(filepath.Join(dir, name), filepath.Join(c.to, to)) == nil {
			return info.Size(), nil
		}
	}
	size, err := c.copyFile(name, to)
	if err == nil {
		c.mu.Lock()
		c.copied += size
		c.mu.Unlock()
	}
	return size, err
}

// beside copies a small file of a document, or links the same from an earlier backup.
func (c *content) beside(name string) (int64, error) {
	if _, err := regular(filepath.Join(c.from, name)); err != nil {
		return 0, err
	}
	b, err := os.ReadFile(filepath.Join(c.from, name))
	if err != nil {
		return 0, err
	}
	for _, dir := range c.earlier {
		old, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && bytes.Equal(old, b) && os.Link(filepath.Join(dir, name), filepath.Join(c.to, name)) == nil {
			return int64(len(b)), nil
		}
	}
	return int64(len(b)), c.create(name, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// copyFile copies a regular file, and returns its size. Where the file system can, the copy
// shares the original's blocks.
func (c *content) copyFile(from, to string) (size int64, err error) {
	path := filepath.Join(c.from, from)
	if _, err := regular(path); err != nil {
		return 0, err
	}
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	err = c.create(to, func(w io.Writer) error {
		size, err = io.Copy(w, in)
		return err
	})
	return size, err
}

// create makes a durable file. It has another name until then, because a backup that was cut
// serves the next one as an earlier one.
func (c *content) create(name string, write func(io.Writer) error) error {
	if err := c.makeDir(name); err != nil {
		return err
	}
	path := filepath.Join(c.to, name)
	fresh := path + ".new"
	var err error
	if c.unsynced {
		err = createUnsynced(fresh, func(f *os.File) error { return write(f) })
	} else {
		err = createUnbuffered(fresh, write)
	}
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("copy %s: %w", name, err), missingIsNil(os.Remove(fresh)))
	}
	return nil
}

func (c *content) makeDir(name string) error {
	return os.MkdirAll(filepath.Dir(filepath.Join(c.to, name)), 0o700)
}

// regular fails for a link and anything else that is not a file.
func regular(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is a %s, not a regular file", path, info.Mode().Type())
	}
	return info, err
}
