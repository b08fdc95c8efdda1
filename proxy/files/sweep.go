package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"attache/proxy"
	"attache/proxy/docid"
)

// Sweep deletes the days that are more than days back, and returns their dates. days must be
// at least 1, so that no day is swept that is still being written. A day is renamed first, and
// then has no document any more; what a process that was killed has left of it is deleted
// too. If anything in a day is linked, or has a link that is younger, that stays, and the rest
// of the day is deleted file by file; nil: no record links anything.
func (s *Store) Sweep(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
	if days < 1 {
		return nil, fmt.Errorf("sweep documents older than %d days: at least 1", days)
	}
	swept, err := s.sweep(ctx, docid.Day(s.now())-days, linked)
	if err != nil {
		return swept, fmt.Errorf("sweep documents: %w", storage(err))
	}
	return swept, nil
}

func (s *Store) sweep(ctx context.Context, before int, linked proxy.Linked) (swept []string, err error) {
	names, err := s.files().List(".")
	if err != nil {
		return nil, err
	}
	if linked != nil {
		records := linked
		all := sync.OnceValues(func() (map[string]bool, error) { return records(ctx) })
		linked = func(context.Context) (map[string]bool, error) { return all() }
	}
	needed := sync.OnceValues(func() (map[string]map[string]bool, error) { return byDate(ctx, linked) })
	failed := s.discardUnlinked(ctx, linked) // and of one day: the others are swept all the same
	for _, name := range names {
		var err error
		switch {
		case ctx.Err() != nil:
			return swept, errors.Join(failed, ctx.Err())
		case strings.HasPrefix(name, gonePrefix):
			if err = s.days.sync("."); err == nil { // the rename may not be durable
				err = s.deleteDay(ctx, name)
			}
		case due(name, before):
			var retired bool
			if retired, err = s.sweepDay(ctx, name, before, needed); retired {
				swept = append(swept, name)
				err = errors.Join(err, s.forgetDay(ctx, name, nil), s.deleteDay(ctx, gonePrefix+name))
			}
		}
		failed = errors.Join(failed, err)
	}
	return swept, failed
}

// sweepDay retires a day, or deletes what is not linked in it: by a record, or by a link that is
// younger than the day.
func (s *Store) sweepDay(ctx context.Context, day string, before int, needed func() (map[string]map[string]bool, error)) (retired bool, err error) {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	disk := s.files()
	names, err := disk.List(day)
	if err != nil {
		return false, err // it is not a directory
	}
	kept, err := s.stillLinked(disk, day, names, docid.Epoch.AddDate(0, 0, before))
	if err != nil {
		return false, err
	}
	if len(kept) != 0 && all(names, kept) {
		return false, nil
	}
	records, err := needed()
	if err != nil {
		return false, err
	}
	maps.Copy(kept, records[day])
	if len(kept) > 0 {
		return false, s.thin(ctx, day, names, kept)
	}
	err = s.retire(day)
	return err == nil, err
}

// all reports whether every file is of one of the ids.
func all(names []string, ids map[string]bool) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !ids[idOf(name)] })
}

func idOf(name string) string {
	id, _, _ := strings.Cut(name, ".")
	return id
}

// due reports whether that is the directory of a day before that one.
func due(name string, before int) bool {
	day, dated := docid.ParseDate(name)
	return dated && day < before
}

// byDate returns the linked ids of each day.
func byDate(ctx context.Context, linked proxy.Linked) (map[string]map[string]bool, error) {
	if linked == nil {
		return nil, nil
	}
	ids, err := linked(ctx)
	dates := map[string]map[string]bool{}
	for id := range ids {
		day, err := docid.DayOf(id)
		if err != nil {
			continue // it may be another store's
		}
		date := docid.Date(day)
		if dates[date] == nil {
			dates[date] = map[string]bool{}
		}
		dates[date][id] = true
	}
	return dates, err
}

// thin deletes the files of a day that are not of a linked id.
func (s *Store) thin(ctx context.Context, day string, names []string, linked map[string]bool) error {
	disk := s.files()
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if linked[idOf(name)] {
			continue
		}
		if err := remove(disk, day+"/"+name); err != nil {
			return err
		}
		crashPoint("day half deleted")
	}
	return errors.Join(s.forgetDay(ctx, day, linked), s.days.sync(day))
}

// retire renames a day, durably.
func (s *Store) retire(day string) error {
	if err := s.files().Rename(day, gonePrefix+day); err != nil {
		return err
	}
	crashPoint("day renamed")
	s.days.forget(day)
	return s.days.sync(".")
}

func (s *Store) deleteDay(ctx context.Context, dir string) error {
	disk := s.files()
	names, err := disk.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failed error
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		failed = errors.Join(failed, remove(disk, dir+"/"+name))
		crashPoint("day half deleted")
	}
	if failed != nil {
		return failed
	}
	return remove(disk, dir)
}
