package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// The links of a document that was only added are in its description. Once they have changed,
// ID.links has all of them, so that Add never writes what Link writes.

// Link adds a link to a document, durably.
func (s *Store) Link(ctx context.Context, id, to string) error {
	err := proxy.CheckLink(to)
	if err == nil {
		err = s.relink(ctx, id, func(c *content, disk Disk, links proxy.LinkList) error {
			return c.writeLinks(disk, links.With(to, s.now()))
		})
	}
	if err != nil {
		return fmt.Errorf("link the document %s: %w", id, s.report(err))
	}
	return nil
}

// Unlink removes a link from a document, durably, and the document with its last one.
func (s *Store) Unlink(ctx context.Context, id, to string) error {
	err := s.relink(ctx, id, func(c *content, disk Disk, links proxy.LinkList) error {
		left, removed := links.Without(to)
		switch {
		case !removed:
			return s.days.sync(c.paths.day) // an earlier Unlink may have failed before this
		case len(left) == 0:
			return c.remove(ctx)
		}
		return c.writeLinks(disk, left)
	})
	if bridge.CodeOf(err) == bridge.CodeDocument {
		err = s.Remove(ctx, id) // an earlier Unlink may have removed half of it
	}
	if err != nil {
		return fmt.Errorf("unlink the document %s: %w", id, s.report(err))
	}
	return nil
}

// relink runs a change of a document's links. No sweep runs meanwhile, because it could have
// read the links already.
func (s *Store) relink(ctx context.Context, id string, change func(*content, Disk, proxy.LinkList) error) error {
	s.sweeping.RLock()
	defer s.sweeping.RUnlock()
	c, release, err := s.content(id)
	if err != nil {
		return err
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.quiet(ctx); err != nil {
		return err
	}
	disk := s.files()
	if _, err := disk.Size(c.paths.document); err != nil {
		return missing(err)
	}
	links, err := readLinks(disk, c.paths, id)
	if err != nil {
		return missing(err)
	}
	return change(c, disk, links)
}

// missing is the error of a document without its file or its description.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return bridge.NewError(bridge.CodeDocument, "")
	}
	return err
}

// readLinks returns the links of a document.
func readLinks(disk Disk, p paths, id string) (links proxy.LinkList, err error) {
	d, _, err := readDescription(disk, p, id)
	if err != nil {
		return nil, err
	}
	changed, err := readText(disk, p.links)
	if errors.Is(err, fs.ErrNotExist) {
		return d.Links(), nil
	}
	if err == nil {
		err = json.Unmarshal(changed, &links)
	}
	if err != nil {
		return nil, fmt.Errorf("read the document's links: %w", err)
	}
	return links, nil
}

func (c *content) writeLinks(disk Disk, links proxy.LinkList) error {
	if err := remove(disk, c.paths.links+freshSuffix); err != nil {
		return err
	}
	b, err := line(links)
	if err != nil {
		return err
	}
	return c.replace(disk, c.paths.links, text{lines: b})
}

// stillLinked returns the documents of a day whose links have changed and of which one is not
// older than t. The links of all others are as old as the documents.
func (s *Store) stillLinked(disk Disk, day string, names []string, t time.Time) (map[string]bool, error) {
	ids := map[string]bool{}
	for _, name := range names {
		id, ok := strings.CutSuffix(name, linksSuffix)
		if !ok || !slices.Contains(names, id) {
			continue // it is half removed
		}
		p, err := pathsOf(id)
		if err != nil || p.day != day {
			continue
		}
		links, err := readLinks(disk, p, id)
		switch {
		case errors.Is(err, fs.ErrNotExist), bridge.CodeOf(err) == bridge.CodeDocument: // it is being removed
		case err != nil:
			return nil, fmt.Errorf("%s: %w", id, err)
		case links.Since(t):
			ids[id] = true
		}
	}
	return ids, nil
}
