package modeldisk_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/files/modeldisk"
)

// Each case lists every state that may survive a power loss after its steps, and no other
// may. A file is its runs of equal bytes: "f:a512 b3"; 0 is a zero, # garbage.
func TestDisk_OutcomesOfAPowerLoss(t *testing.T) {
	for name, c := range map[string]struct {
		steps func(*steps)
		want  []string
	}{
		"nothing happened": {func(*steps) {}, []string{""}},

		// Bytes.
		"everything synced": {func(s *steps) {
			s.file("f", 'a', 3)
		}, []string{"f:a3"}},
		"bytes not synced": {func(s *steps) {
			s.create("f")
			s.syncDir(".")
			s.write("f", 0, 'a', 3)
		}, []string{"f:", "f:a3", "f:03", "f:#3"}},
		"bytes of two sectors not synced": {func(s *steps) {
			s.create("f")
			s.syncDir(".")
			s.write("f", 0, 'a', 600)
		}, []string{"f:", "f:a600", "f:0600", "f:#600", "f:a512 088", "f:a512 #88", "f:0512 a88", "f:#512 a88"}},
		"bytes appended to a synced sector": {func(s *steps) {
			s.file("f", 'a', 3)
			s.write("f", 3, 'b', 2)
		}, []string{"f:a3", "f:a3 b2", "f:a3 02", "f:a3 #2"}},
		"two unsynced writes to one sector": {func(s *steps) {
			s.file("f", 'a', 1)
			s.write("f", 1, 'b', 1)
			s.write("f", 2, 'c', 1)
		}, []string{"f:a1", "f:a1 b1", "f:a1 01", "f:a1 #1",
			"f:a1 b1 c1", "f:a1 b1 01", "f:a1 02", "f:a1 #2"}},
		"synced bytes overwritten": {func(s *steps) {
			s.file("f", 'a', 600)
			s.write("f", 0, 'b', 600)
		}, []string{"f:a600", "f:b600", "f:a512 b88", "f:b512 a88"}},
		"cut not synced": {func(s *steps) {
			s.file("f", 'a', 4)
			s.truncate("f", 1)
		}, []string{"f:a4", "f:a1", "f:a1 03"}},
		"cut synced": {func(s *steps) {
			s.file("f", 'a', 4)
			s.truncate("f", 1)
			s.sync("f")
		}, []string{"f:a1"}},
		"cut and written again, not synced": {func(s *steps) {
			s.file("f", 'a', 3)
			s.truncate("f", 0)
			s.write("f", 0, 'b', 2)
		}, []string{"f:", "f:a2", "f:02", "f:b2", "f:a3", "f:03", "f:b2 01"}},

		// Names.
		"name not synced": {func(s *steps) {
			s.create("f")
			s.write("f", 0, 'a', 3)
			s.sync("f")
		}, []string{"", "f:a3"}},
		"two names not synced": {func(s *steps) {
			s.create("f")
			s.create("g")
		}, []string{"", "f:", "g:", "f:; g:"}},
		"name and bytes not synced": {func(s *steps) {
			s.create("f")
			s.write("f", 0, 'a', 3)
		}, []string{"", "f:", "f:a3", "f:03", "f:#3"}},
		"rename not synced": {func(s *steps) {
			s.file("f", 'a', 3)
			s.rename("f", "g")
		}, []string{"f:a3", "g:a3"}},
		"rename synced": {func(s *steps) {
			s.file("f", 'a', 3)
			s.rename("f", "g")
			s.syncDir(".")
		}, []string{"g:a3"}},
		"rename replaces a file, not synced": {func(s *steps) {
			s.file("f", 'a', 3)
			s.file("g", 'b', 3)
			s.rename("f", "g")
		}, []string{"f:a3; g:b3", "g:a3"}},
		"rename of unsynced bytes": {func(s *steps) {
			s.file("g", 'b', 3)
			s.create("f")
			s.write("f", 0, 'a', 3)
			s.rename("f", "g")
			s.syncDir(".")
		}, []string{"g:", "g:a3", "g:03", "g:#3"}},
		"names of one file in order": {func(s *steps) {
			s.create("f")
			s.rename("f", "g")
			s.rename("g", "h")
		}, []string{"", "f:", "g:", "h:"}},
		"one name in order": {func(s *steps) {
			s.file("f", 'a', 1)
			s.remove("f")
			s.create("f")
		}, []string{"f:a1", "", "f:"}},
		"remove not synced": {func(s *steps) {
			s.file("f", 'a', 1)
			s.file("g", 'b', 1)
			s.remove("f")
			s.remove("g")
		}, []string{"f:a1; g:b1", "f:a1", "g:b1", ""}},
		"remove synced": {func(s *steps) {
			s.file("f", 'a', 1)
			s.remove("f")
			s.syncDir(".")
		}, []string{""}},

		// Directories.
		"directory not synced in its parent": {func(s *steps) {
			s.mkdir("d")
			s.file("d/f", 'a', 3)
		}, []string{"", "d/f:a3"}},
		"directory synced in its parent only": {func(s *steps) {
			s.mkdir("d")
			s.create("d/f")
			s.syncDir(".")
		}, []string{"d/", "d/f:"}},
		"directory synced in its parent": {func(s *steps) {
			s.mkdir("d")
			s.syncDir(".")
			s.file("d/f", 'a', 3)
		}, []string{"d/f:a3"}},
		"directory renamed, then emptied and removed": {func(s *steps) {
			s.mkdir("d")
			s.syncDir(".")
			s.file("d/f", 'a', 1)
			s.rename("d", "e")
			s.remove("e/f")
			s.remove("e")
		}, []string{"d/f:a1", "d/", "e/f:a1", "e/", ""}},
		"directory renamed and synced, then emptied and removed": {func(s *steps) {
			s.mkdir("d")
			s.syncDir(".")
			s.file("d/f", 'a', 1)
			s.rename("d", "e")
			s.syncDir(".")
			s.remove("e/f")
			s.remove("e")
		}, []string{"e/f:a1", "e/", ""}},
		"rename between directories, one of them synced": {func(s *steps) {
			s.mkdir("d")
			s.syncDir(".")
			s.file("f", 'a', 1)
			s.rename("f", "d/f")
			s.syncDir("d")
		}, []string{"d/; f:a1", "d/f:a1"}},
		"rename between directories, both of them synced": {func(s *steps) {
			s.mkdir("d")
			s.syncDir(".")
			s.file("f", 'a', 1)
			s.rename("f", "d/f")
			s.syncDir("d")
			s.syncDir(".")
		}, []string{"d/f:a1"}},
		"synced name needs a rename that is synced in one directory": {func(s *steps) {
			s.mkdir("d")
			s.syncDir(".")
			s.file("f", 'a', 1)
			s.rename("f", "d/f")
			s.rename("d/f", "d/g")
			s.syncDir("d")
		}, []string{"d/g:a1"}},

		// Faults.
		"sync failed, then another succeeded": {func(s *steps) {
			s.file("f", 'a', 1)
			s.write("f", 1, 'b', 2)
			s.fail(modeldisk.Sync, syscall.EIO)
			s.sync("f")
			s.sync("f")
		}, []string{"f:a1", "f:a1 b2", "f:a1 02", "f:a1 #2"}},
		"sync failed, then bytes in another sector synced": {func(s *steps) {
			s.file("f", 'a', 512)
			s.write("f", 512, 'b', 512)
			s.fail(modeldisk.Sync, syscall.EIO)
			s.sync("f")
			s.write("f", 1024, 'c', 1)
			s.sync("f")
		}, []string{"f:a512 b512 c1", "f:a512 0512 c1", "f:a512 #512 c1"}},
		"sync failed, then cut to the synced bytes and synced": {func(s *steps) {
			s.file("f", 'a', 1)
			s.write("f", 1, 'b', 2)
			s.fail(modeldisk.Sync, syscall.EIO)
			s.sync("f")
			s.truncate("f", 1)
			s.sync("f")
		}, []string{"f:a1"}},
		"sync of a directory failed": {func(s *steps) {
			s.create("f")
			s.fail(modeldisk.SyncDir, syscall.EIO)
			s.syncDir(".")
			s.want = syscall.EROFS
			s.syncDir(".")
		}, []string{"", "f:"}},
		"no space for a write": {func(s *steps) {
			s.file("f", 'a', 1)
			s.fail(modeldisk.Write, syscall.ENOSPC)
			s.write("f", 1, 'b', 3)
			s.sync("f")
		}, []string{"f:a1", "f:a1 b1", "f:a1 b2"}},
		"no space for a name": {func(s *steps) {
			s.fail(modeldisk.Create, syscall.ENOSPC)
			s.create("f")
			s.syncDir(".")
		}, []string{""}},
		"power lost after a kill": {func(s *steps) {
			s.create("f")
			s.write("f", 0, 'a', 1)
			s.disk = s.disk.Restart()
			require.Equal(s.t, "f:a1", describe(s.t, s.disk), "lost at a kill")
			s.sync("f")
		}, []string{"", "f:a1"}},
		"power lost at a write": {func(s *steps) {
			s.file("f", 'a', 1)
			s.fail(modeldisk.Write, modeldisk.ErrStopped)
			s.write("f", 1, 'b', 1)
			s.sync("f")
		}, []string{"f:a1", "f:a1 b1", "f:a1 01", "f:a1 #1"}},
		"power lost at a sync": {func(s *steps) {
			s.file("f", 'a', 1)
			s.write("f", 1, 'b', 1)
			s.fail(modeldisk.Sync, modeldisk.ErrStopped)
			s.sync("f")
		}, []string{"f:a1", "f:a1 b1", "f:a1 01", "f:a1 #1"}},
		"power lost at a rename": {func(s *steps) {
			s.file("f", 'a', 1)
			s.fail(modeldisk.Rename, modeldisk.ErrStopped)
			s.rename("f", "g")
			s.syncDir(".")
		}, []string{"f:a1", "g:a1"}},
		"power lost at the sync of a directory": {func(s *steps) {
			s.create("f")
			s.fail(modeldisk.SyncDir, modeldisk.ErrStopped)
			s.syncDir(".")
		}, []string{"", "f:"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]bool{}
			everyChoice(func(choose func(int) int) {
				s := &steps{t: t, disk: modeldisk.New(choose)}
				c.steps(s)
				found := s.disk.Reopen()
				state := describe(t, found)
				got[state] = true
				require.Equal(t, state, describe(t, found.Reopen()), "found synced, and lost at the second power loss")
			})
			want := map[string]bool{}
			for _, state := range c.want {
				want[state] = true
			}
			require.Equal(t, want, got)
		})
	}
}

// After a failed Sync, programs may read bytes that the next Sync does not write.
func TestDisk_ReadsAfterAFailedSync(t *testing.T) {
	got := map[[2]string]bool{}
	everyChoice(func(choose func(int) int) {
		s := &steps{t: t, disk: modeldisk.New(choose)}
		s.file("f", 'a', 512)
		s.write("f", 0, 'b', 512)
		s.fail(modeldisk.Sync, syscall.EIO)
		s.sync("f")
		s.write("f", 512, 'c', 1)
		s.sync("f")
		got[[2]string{describe(t, s.disk), describe(t, s.disk.Reopen())}] = true
	})
	const written, lost = "f:b512 c1", "f:a512 c1"
	require.Equal(t, map[[2]string]bool{
		{written, written}: true, {written, lost}: true, {lost, lost}: true,
	}, got)
}

// everyChoice calls run with every sequence of choices.
func everyChoice(run func(choose func(n int) int)) {
	var chosen, limits []int
	for {
		next := 0
		run(func(n int) int {
			if next == len(chosen) {
				chosen, limits = append(chosen, 0), append(limits, n)
			}
			next++
			return chosen[next-1]
		})
		last := len(chosen) - 1
		for last >= 0 && chosen[last] == limits[last]-1 {
			last--
		}
		if last < 0 {
			return
		}
		chosen, limits = chosen[:last+1], limits[:last+1]
		chosen[last]++
	}
}

// steps are operations on a disk, of which one may be to fail.
type steps struct {
	t    *testing.T
	disk *modeldisk.Disk
	want error
}

// fail makes the next operation of that kind fail.
func (s *steps) fail(kind modeldisk.Kind, err error) {
	done := false
	s.disk.Fail(func(o modeldisk.Operation) error {
		if done || o.Kind != kind {
			return nil
		}
		done, s.want = true, err
		return err
	})
}

func (s *steps) check(err error) {
	s.t.Helper()
	require.ErrorIs(s.t, err, s.want)
	if s.want != modeldisk.ErrStopped {
		s.want = nil
	}
}

func (s *steps) mkdir(name string)   { s.t.Helper(); s.check(s.disk.Mkdir(name)) }
func (s *steps) remove(name string)  { s.t.Helper(); s.check(s.disk.Remove(name)) }
func (s *steps) syncDir(name string) { s.t.Helper(); s.check(s.disk.SyncDir(name)) }
func (s *steps) rename(from, to string) {
	s.t.Helper()
	s.check(s.disk.Rename(from, to))
}

func (s *steps) create(name string) {
	s.t.Helper()
	f, err := s.disk.Create(name)
	s.check(err)
	if err == nil {
		require.NoError(s.t, f.Close())
	}
}

func (s *steps) with(name string, do func(f file) error) {
	s.t.Helper()
	f, err := s.disk.Open(name, true)
	if s.want == modeldisk.ErrStopped {
		s.check(err)
		return
	}
	require.NoError(s.t, err)
	s.check(do(f))
	require.NoError(s.t, f.Close())
}

type file interface {
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
}

func (s *steps) write(name string, off int64, b byte, n int) {
	s.t.Helper()
	s.with(name, func(f file) error {
		_, err := f.WriteAt(bytes.Repeat([]byte{b}, n), off)
		return err
	})
}

func (s *steps) truncate(name string, size int64) {
	s.t.Helper()
	s.with(name, func(f file) error { return f.Truncate(size) })
}

func (s *steps) sync(name string) {
	s.t.Helper()
	s.with(name, func(f file) error { return f.Sync() })
}

// file creates a file with n bytes and makes it durable.
func (s *steps) file(name string, b byte, n int) {
	s.t.Helper()
	s.create(name)
	s.write(name, 0, b, n)
	s.sync(name)
	day, _, below := strings.Cut(name, "/")
	if !below {
		day = "."
	}
	s.syncDir(day)
}

// describe writes down everything that is on a disk.
func describe(t *testing.T, d *modeldisk.Disk) string {
	var all []string
	names, err := d.List(".")
	require.NoError(t, err)
	for _, name := range names {
		below, err := d.List(name)
		if err != nil {
			all = append(all, name+":"+runs(t, d, name))
			continue
		}
		if len(below) == 0 {
			all = append(all, name+"/")
		}
		for _, base := range below {
			all = append(all, name+"/"+base+":"+runs(t, d, name+"/"+base))
		}
	}
	return strings.Join(all, "; ")
}

func runs(t *testing.T, d *modeldisk.Disk, name string) string {
	f, err := d.Open(name, false)
	require.NoError(t, err)
	size, err := f.Size()
	require.NoError(t, err)
	content := make([]byte, size)
	_, err = f.ReadAt(content, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	var all []string
	for len(content) > 0 {
		n := slices.IndexFunc(content, func(b byte) bool { return b != content[0] })
		if n < 0 {
			n = len(content)
		}
		letter := map[byte]string{0: "0", 0xDB: "#"}[content[0]]
		if letter == "" {
			letter = string(rune(content[0]))
		}
		all = append(all, fmt.Sprint(letter, n))
		content = content[n:]
	}
	return strings.Join(all, " ")
}
