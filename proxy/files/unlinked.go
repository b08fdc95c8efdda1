package files

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"attache/proxy"
	"attache/proxy/docid"
)

// DiscardsUnlinked says that the first sweep after the store was opened discards staged content
// that no record names: a process that was killed has written it beside a record that it never
// wrote. So only one process may have the store open.
func (s *Store) DiscardsUnlinked() {}

// FreesOnDiscard says that discarded content is off the disk: its file is removed, and a writer
// that had it may write no more.
func (s *Store) FreesOnDiscard() {}

// newID notes an id that this process gives away: its record may not be written yet.
func (s *Store) newID(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.given != nil {
		s.given[id] = true
	}
	return id
}

// discardUnlinked discards what an earlier process has left staged and no record names. It does
// so once.
func (s *Store) discardUnlinked(ctx context.Context, linked proxy.Linked) error {
	s.mu.Lock()
	done := s.given == nil
	s.mu.Unlock()
	if done || linked == nil {
		return nil
	}
	ids, err := s.staging()
	if err != nil {
		return err
	}
	if ids = s.notGiven(ids); len(ids) > 0 {
		needed, err := linked(ctx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if needed[id] {
				continue
			}
			if err := s.Discard(ctx, id); err != nil {
				return err
			}
			s.log.Info("discarded staged content without a record", "document", id)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = nil
	return nil
}

// staging lists the ids of all staged content.
func (s *Store) staging() (ids []string, err error) {
	disk := s.files()
	days, err := disk.List(".")
	if err != nil {
		return nil, err
	}
	for _, day := range days {
		if strings.HasPrefix(day, gonePrefix) {
			continue
		}
		names, err := disk.List(day)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errIrregular) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if id, ok := strings.CutSuffix(name, partSuffix); ok {
				if _, err := docid.DayOf(id); err == nil {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids, nil
}

// notGiven returns those that this process has not given away.
func (s *Store) notGiven(ids []string) (left []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if !s.given[id] {
			left = append(left, id)
		}
	}
	return left
}
