package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Options are those of [Create].
type Options struct {
	Data string // the data directory
	Dir  string // the directory of backups; it is created
	Log  *slog.Logger

	onPiece, onContent func() // of tests
}

// Result is what a backup or a restored directory has.
type Result struct {
	Path   string // of the backup
	Files  int    // documents, and staged content of uploads
	Bytes  int64  // of all of them, with their descriptions
	Copied int64  // the bytes that no earlier backup had
}

// Create makes a backup in o.Dir. An error leaves no backup, but what was copied serves the next
// one.
func Create(ctx context.Context, o Options) (Result, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	r, err := create(ctx, o)
	if err != nil {
		return Result{}, fmt.Errorf("back up %s: %w", o.Data, err)
	}
	return r, nil
}

func create(ctx context.Context, o Options) (Result, error) {
	if err := apart(o.Data, o.Dir); err != nil {
		return Result{}, err
	}
	began := time.Now().UTC()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return Result{}, err
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	earlier, partial, err := whole(o.Dir)
	if err != nil {
		return Result{}, err
	}
	s, err := openSource(ctx, o.Data, o.Log)
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	if o.onPiece != nil {
		s.onPiece = o.onPiece
	}
	name := began.Format(nameLayout)
	dir := filepath.Join(o.Dir, partialPrefix+name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return Result{}, err
	}
	p, err := s.copyStreams(ctx, filepath.Join(dir, streamsDir))
	if err != nil {
		return Result{}, err
	}
	if o.onContent != nil {
		o.onContent()
	}
	c := newContent(o.Data, dir, slices.Concat(earlier[:min(1, len(earlier))], partial), p.incoming())
	if err := c.copyDocuments(ctx); err != nil {
		return Result{}, err
	}
	if err := s.copyPromised(ctx, c, p); err != nil {
		return Result{}, err
	}
	if err := p.write(filepath.Join(dir, streamsDir)); err != nil {
		return Result{}, err
	}
	if absent := c.absent(p.foreign()); len(absent) > 0 {
		o.Log.Warn("notices that this proxy did not deliver name documents that it does not have", "documents", absent)
	}
	r := c.result(filepath.Join(o.Dir, name))
	streams, err := list(filepath.Join(dir, streamsDir))
	if err == nil {
		err = writeSizes(dir, c.sizes)
	}
	if err == nil {
		err = writeManifest(dir, Manifest{formatNow, began, time.Now().UTC(), streams, r.Files, r.Bytes})
	}
	if err == nil {
		err = commit(dir, r.Path)
	}
	if err != nil {
		return Result{}, err
	}
	for _, old := range partial {
		if err := os.RemoveAll(old); err != nil {
			o.Log.Warn("the remains of a backup that was cut cannot be removed", "error", err)
		}
	}
	return r, nil
}

// apart refuses a directory of backups in the data directory, and the other way round.
func apart(data, dir string) error {
	for _, pair := range [][2]string{{resolved(data), resolved(dir)}, {resolved(dir), resolved(data)}} {
		to, err := filepath.Rel(pair[0], pair[1])
		if err == nil && (to == "." || filepath.IsLocal(to)) {
			return fmt.Errorf("%s and %s are in one another: name a directory outside", data, dir)
		}
	}
	return nil
}

// resolved is a path without links, as far as it exists.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(resolved(parent), filepath.Base(path))
	}
	return path
}

// lock reserves a directory of backups for this process.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("another backup into %s is running", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

// commit makes all names durable, and then gives the backup its own.
func commit(dir, path string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = syncDir(path)
		}
		return err
	})
	if err == nil {
		err = os.Rename(dir, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	return err
}

func (c *content) result(path string) Result {
	r := Result{Path: path, Copied: c.copied}
	for name, size := range c.sizes {
		r.Bytes += size
		if !isBeside(name) {
			r.Files++
		}
	}
	return r
}

// absent returns those documents that are not in the copy.
func (c *content) absent(ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool {
		day, err := dayOf(id)
		_, ok := c.size(filepath.Join(documentsDir, day, id))
		return err == nil && ok
	})
}
