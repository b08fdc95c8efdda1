package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"attache/proxy/engine"
	"attache/proxy/files"
)

// RestoreOptions are those of [Restore].
type RestoreOptions struct {
	Data   string // the data directory to make; it must be empty, or not exist
	Dir    string // a backup, or a directory of backups: the newest is restored
	Verify bool   // compare each document with its digest too
	Log    *slog.Logger
}

// Restore makes a data directory of a backup. After an error the directory is not whole, and no
// proxy starts on it.
func Restore(ctx context.Context, o RestoreOptions) (Result, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	r, err := restore(ctx, o)
	if err != nil {
		return Result{}, fmt.Errorf("restore %s: %w", o.Data, err)
	}
	return r, nil
}

func restore(ctx context.Context, o RestoreOptions) (Result, error) {
	dir, m, err := find(o.Dir)
	if err != nil {
		return Result{}, err
	}
	if err := apart(o.Data, dir); err != nil {
		return Result{}, err
	}
	if err := checkEmpty(o.Data); err != nil {
		return Result{}, err
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return Result{}, err
	}
	if err := engine.BeginRestore(o.Data); err != nil {
		return Result{}, err
	}
	c := newContent(dir, o.Data, nil, nil)
	c.unsynced = true // until EndRestore
	if err := c.restore(ctx, o.Verify); err != nil {
		return Result{}, err
	}
	if err := restoreStreams(ctx, o, filepath.Join(dir, streamsDir), m.Streams); err != nil {
		return Result{}, err
	}
	r := c.result(dir)
	if r.Files != m.Files || r.Bytes != m.Bytes {
		return Result{}, fmt.Errorf("the backup has %d files of %d bytes, and its manifest says %d of %d", r.Files, r.Bytes, m.Files, m.Bytes)
	}
	return r, engine.EndRestore(o.Data)
}

// checkEmpty accepts what a file system makes at its root.
func checkEmpty(dir string) error {
	names, err := list(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != "lost+found" {
			return fmt.Errorf("the directory is not empty: it has %s; restore into an empty one", name)
		}
	}
	return nil
}

// restore copies all files of a backup, and checks their sizes, and with verify the documents'
// digests.
func (c *content) restore(ctx context.Context, verify bool) error {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(copies)
	err := readSizes(c.from, func(name string, size int64) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		all.Go(func() error { return c.restoreFile(name, size, verify) })
		return nil
	})
	return cmp.Or(all.Wait(), err)
}

func (c *content) restoreFile(name string, size int64, verify bool) error {
	n, err := c.copyFile(name, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the backup has no file %s", name)
	}
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("%s has %d bytes in the backup instead of %d", name, n, size)
	}
	c.add(name, n)
	if !verify || isBeside(name) {
		return nil
	}
	return c.verify(name)
}

// verify compares the copy of a document with the digest in its description.
func (c *content) verify(name string) error {
	described, err := os.ReadFile(filepath.Join(c.from, strings.TrimSuffix(name, partSuffix)+descriptionSuffix))
	if err != nil {
		return err
	}
	d, whole, err := files.ParseDescription(described)
	if err == nil && !whole {
		err = errors.New("it has no digest")
	}
	if err != nil {
		return fmt.Errorf("read the description of %s: %w", name, err)
	}
	f, err := os.Open(filepath.Join(c.to, name))
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if d.SHA256 != [32]byte(h.Sum(nil)) {
		return fmt.Errorf("%s is damaged: its bytes do not have the digest in its description", name)
	}
	return nil
}

// restoreStreams starts an engine on the directory and ends it again.
func restoreStreams(ctx context.Context, o RestoreOptions, dir string, names []string) error {
	e, err := engine.Start(ctx, engine.Options{Dir: o.Data, Restoring: true, Log: o.Log})
	if err != nil {
		return err
	}
	defer e.Close()
	s := &source{dir: o.Data, conn: e.Conn(), js: e.JetStream(), close: e.Close}
	for _, name := range names {
		if err := s.restore(ctx, name, filepath.Join(dir, name)); err != nil {
			return err
		}
		if err := s.restoreLater(ctx, name, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
