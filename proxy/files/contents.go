package files

import (
	"container/list"
	"context"
	"errors"
)

// maxContents bounds how many contents the store remembers that are not in use. One that it
// has forgotten is read again from its file when it is continued.
const maxContents = 4096

// contents are the contents in use and the last ones that were used. There is one content of
// an id at most, so its lock orders everything that happens to the id's files.
type contents struct {
	byID  map[string]*content
	order list.List // of *content, the last used first
}

// content returns the content of an id, and keeps it from being forgotten until release.
func (s *Store) content(id string) (c *content, release func(), err error) {
	p, err := pathsOf(id)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c = s.contents.byID[id]; c == nil {
		c = &content{store: s, id: id, paths: p, changed: make(chan struct{}), ready: make(chan struct{}, 1)}
		if s.contents.byID == nil {
			s.contents.byID = map[string]*content{}
		}
		s.contents.byID[id] = c
		c.element = s.contents.order.PushFront(c)
		s.forgetOldest()
	}
	c.users++
	s.contents.order.MoveToFront(c.element)
	return c, func() { s.release(c) }, nil
}

func (s *Store) release(c *content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.users--; c.users == 0 {
		s.forget(c, false)
	}
}

// forgetOldest forgets what was used the longest ago, if there are too many. The caller holds
// s.mu.
func (s *Store) forgetOldest() {
	for e := s.contents.order.Back(); e != nil && s.contents.order.Len() > maxContents; {
		c := e.Value.(*content)
		e = e.Prev()
		if c.users == 0 {
			s.forget(c, true)
		}
	}
}

// forget drops the content if nobody may write it, if it is idle and, unless even is set, if nothing is known of it.
// The caller holds s.mu.
func (s *Store) forget(c *content, even bool) {
	if !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	if c.owner != nil || c.syncing || c.loading || c.cut || c.loaded && !even || c.text.failed || c.inherited.failed {
		return
	}
	c.shut()
	delete(s.contents.byID, c.id)
	s.contents.order.Remove(c.element)
}

// forgetDay forgets what is known of a day's contents, because their files are gone.
func (s *Store) forgetDay(ctx context.Context, day string, except map[string]bool) error {
	var gone []*content
	s.mu.Lock()
	for _, c := range s.contents.byID {
		if c.paths.day == day && !except[c.id] {
			c.users++
			gone = append(gone, c)
		}
	}
	s.mu.Unlock()
	var failed error
	for _, c := range gone {
		failed = errors.Join(failed, c.forget(ctx))
		s.release(c)
	}
	return failed
}

func (c *content) forget(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owner = nil
	if err := c.quiet(ctx); err != nil {
		return err
	}
	c.reset()
	return nil
}
