package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/chat"
	"attache/proxy/deliver"
	"attache/proxy/docid"
)

// copyPromised copies the staged bytes that the streams name, and checks that all named
// content is in the copy. Missing content is an error, unless it was removed since the
// streams were copied: by retention, because its upload was cancelled or has failed, or because
// its sender deleted it.
func (s *source) copyPromised(ctx context.Context, c *content, p *promises) error {
	sweptBefore, err := s.retention(ctx)
	if err != nil {
		return err
	}
	var missing []string
	for _, f := range p.files() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name, size, err := c.ensure(f)
		if err == nil && (size == f.size || c.updated(name, size)) {
			continue
		}
		if err == nil {
			missing = append(missing, fmt.Sprintf("%s has %d bytes instead of %d", name, size, f.size))
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removed, err := s.removed(ctx, f, p, sweptBefore)
		if err != nil {
			return err
		}
		if !removed {
			missing = append(missing, f.id+" is missing")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("content that the sessions and records name cannot be copied: %s", strings.Join(missing, ", "))
}

// ensure copies one content, if it is not in the copy, and returns its name and size there. It
// looks for the document again after the staged bytes, because they may be renamed between.
func (c *content) ensure(f file) (name string, size int64, err error) {
	day, err := dayOf(f.id)
	if err != nil {
		return "", 0, err
	}
	err = fs.ErrNotExist
	for _, root := range roots {
		name = filepath.Join(root, day, f.id)
		if size, ok := c.size(name); ok {
			return name, size, nil
		}
		if err = c.document(name); errors.Is(err, fs.ErrNotExist) && f.staged {
			if err = c.staged(name); errors.Is(err, fs.ErrNotExist) {
				err = c.document(name)
			} else if err == nil {
				name += partSuffix
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			size, _ = c.size(name)
			return name, size, err
		}
	}
	return f.id, 0, err
}

func (c *content) size(name string) (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size, ok := c.sizes[name]
	return size, ok
}

// retention returns the first day that is not swept; "" if that is not known.
func (s *source) retention(ctx context.Context) (string, error) {
	sessions, err := s.js.Stream(ctx, chat.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the retention: %w", err)
	}
	return time.Now().UTC().Add(-sessions.CachedInfo().Config.MaxAge).Format(time.DateOnly), nil
}

// removed reports whether content that is missing now was removed on purpose. If its upload has
// ended, the record of that end is copied too.
func (s *source) removed(ctx context.Context, f file, p *promises, sweptBefore string) (bool, error) {
	if day, err := dayOf(f.id); err != nil || day < sweptBefore {
		return err == nil, nil
	}
	records, err := s.js.Stream(ctx, deliver.Stream)
	if err != nil {
		return false, fmt.Errorf("read the record of %s: %w", f.id, err)
	}
	m, ok, err := newestMessage(ctx, records, f.subject)
	if err != nil || !ok {
		return err == nil && f.staged, err
	}
	r, err := deliver.StoredRecord(m.Data)
	if err != nil {
		return false, fmt.Errorf("read the record of %s: %w", f.id, err)
	}
	if !f.staged && r.Deletion == "" {
		return false, nil
	}
	// Without sessions here, the documents are a backend's, which has it now.
	if f.staged && r.State == bridge.Announced && sweptBefore != "" || !r.State.Final() {
		return false, nil
	}
	p.later[deliver.Stream] = append(p.later[deliver.Stream], m)
	return true, nil
}

// dayOf returns the directory of an id's day.
func dayOf(id string) (string, error) {
	day, err := docid.DayOf(id)
	return docid.Date(day), err
}
