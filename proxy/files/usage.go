package files

import (
	"cmp"
	"strings"
	"sync"
	"sync/atomic"
)

// usage counts the bytes of all files. It begins when it is first asked for: then it counts day
// by day, beside everything else, and of the days that it has counted it follows every change.
type usage struct {
	begin sync.Once
	bytes atomic.Int64

	// A day's lock is held for reading while a file of it changes, and for writing while the day
	// is counted, so that each change is before the count or after it. The sizes of open files
	// are guarded by their own writers, of which there is one at a time.
	locks   sync.Map // of *sync.RWMutex, by day
	days    sync.Map // of the names of the days that are counted
	running *sync.WaitGroup
	stop    <-chan struct{}
}

// Bytes is how many bytes all files have: documents, unfinished content and descriptions. It is
// too low until the days have been counted, which the first call begins.
func (s *Store) Bytes() int64 { return s.usage.total(s.files()) }

func (u *usage) total(d Disk) int64 {
	u.begin.Do(func() { u.running.Go(func() { u.count(d) }) })
	return u.bytes.Load()
}

// count counts every day that is there. What it cannot read is not counted.
func (u *usage) count(d Disk) {
	days, _ := d.List(".")
	for _, day := range days {
		select {
		case <-u.stop:
			return
		default:
			u.countDay(d, day)
		}
	}
}

// lock is a day's lock.
func (u *usage) lock(day string) *sync.RWMutex {
	l, _ := u.locks.LoadOrStore(day, &sync.RWMutex{})
	return l.(*sync.RWMutex)
}

func (u *usage) countDay(d Disk, day string) {
	l := u.lock(day)
	l.Lock()
	defer l.Unlock()
	if _, counted := u.days.Load(day); counted {
		return
	}
	names, err := d.List(day)
	if err != nil {
		return
	}
	u.days.Store(day, nil)
	for _, name := range names {
		if size, err := d.Size(day + "/" + name); err == nil {
			u.bytes.Add(size)
		}
	}
}

func (u *usage) add(day string, n int64) {
	if _, counted := u.days.Load(day); counted {
		u.bytes.Add(n)
	}
}

// resize runs a change of an open file; change gets the size and returns the new one.
func (u *usage) resize(f *openedFile, change func(int64) (int64, error)) error {
	l := u.lock(f.day)
	l.RLock()
	defer l.RUnlock()
	size, err := change(f.size)
	u.add(f.day, size-f.size)
	f.size = size
	return err
}

func (u *usage) remove(d Disk, name string) error {
	day := dirOf(name)
	l := u.lock(cmp.Or(day, name))
	l.RLock()
	defer l.RUnlock()
	if _, counted := u.days.Load(day); !counted {
		u.days.Delete(name)
		return d.Remove(name)
	}
	size, _ := d.Size(name)
	err := d.Remove(name)
	if err == nil {
		u.bytes.Add(-size)
	}
	return err
}

// rename follows a day to its other name. A file stays in its day, and may replace another.
func (u *usage) rename(d Disk, oldName, newName string) error {
	l := u.lock(cmp.Or(dirOf(oldName), oldName))
	l.RLock()
	defer l.RUnlock()
	replaced := int64(0)
	if _, counted := u.days.Load(dirOf(newName)); counted {
		replaced, _ = d.Size(newName)
	}
	err := d.Rename(oldName, newName)
	if err != nil {
		return err
	}
	u.bytes.Add(-replaced)
	if _, counted := u.days.LoadAndDelete(oldName); counted {
		u.days.Store(newName, nil)
	}
	return nil
}

// mkdir counts the new day from its beginning, if counting has begun.
func (u *usage) mkdir(day string, do func() error) error {
	l := u.lock(day)
	l.RLock()
	defer l.RUnlock()
	err := do()
	if err == nil {
		u.days.Store(day, nil)
	}
	return err
}

// dirOf is the day of a file's name; "" for a day's own.
func dirOf(name string) string {
	day, _, ok := strings.Cut(name, "/")
	if !ok {
		return ""
	}
	return day
}
