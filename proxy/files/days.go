package files

import (
	"errors"
	"io/fs"
	"sync"
)

// days makes directories, and makes the names in them durable: one sync of a directory serves
// all who wait for it.
type days struct {
	store *Store

	mu    sync.Mutex
	made  map[string]*opening // whose own names are durable, and in which opening
	syncs map[string]*dirSync
}

// dirSync is the sync of one directory that runs, and those who wait for the next one.
type dirSync struct{ waiting []chan<- error }

func newDays(s *Store) *days {
	return &days{store: s, made: map[string]*opening{}, syncs: map[string]*dirSync{}}
}

// ensure makes a day's directory, durably. A directory that exists may have been made by a
// process that died before it was durable.
func (d *days) ensure(day string) error {
	disk := d.store.files()
	d.mu.Lock()
	made := d.made[day] == disk
	d.mu.Unlock()
	if made {
		return nil
	}
	err := disk.Mkdir(day)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	crashPoint("day made")
	if err := d.sync("."); err != nil {
		return err
	}
	d.mu.Lock()
	d.made[day] = disk
	d.mu.Unlock()
	return nil
}

// forget drops what is known: the disk may be another.
func (d *days) forget(days ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(days) == 0 {
		clear(d.made)
	}
	for _, day := range days {
		delete(d.made, day)
	}
}

// sync makes all names durable that the directory has now.
func (d *days) sync(dir string) error {
	done := make(chan error, 1)
	d.mu.Lock()
	s := d.syncs[dir]
	if s == nil {
		s = &dirSync{}
		d.syncs[dir] = s
		d.store.running.Go(func() { d.run(dir, s) })
	}
	s.waiting = append(s.waiting, done)
	d.mu.Unlock()
	return <-done
}

// run syncs the directory as long as somebody waits. A sync that has begun is of no use to
// those who come later.
func (d *days) run(dir string, s *dirSync) {
	for {
		d.mu.Lock()
		waiting := s.waiting
		s.waiting = nil
		if len(waiting) == 0 {
			delete(d.syncs, dir)
		}
		d.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		err := d.store.files().SyncDir(dir)
		for _, w := range waiting {
			w <- err
		}
	}
}
