package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimeOf(t *testing.T) {
	// pid (name) state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime …
	const stat = "812 (a ) b) S 1 700 700 0 -1 4194560 5 0 0 0 120 30 0 0 20 0"
	for _, c := range []struct {
		name  string
		stat  string
		group int
		want  time.Duration
	}{
		{"the process itself", stat, 812, 1500 * time.Millisecond},
		{"a member of the group", stat, 700, 1500 * time.Millisecond},
		{"another process", stat, 81, 0},
		{"its parent is not its group", stat, 1, 0},
		{"cut short", "812 (a) S 1 700", 812, 0},
		{"empty", "", 812, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			used, of := timeOf([]byte(c.stat), c.group)
			require.Equal(t, c.want, used)
			require.Equal(t, c.want > 0, of)
		})
	}
}

func TestFileSystem(t *testing.T) {
	const mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n/dev/vdb /data xfs rw 0 0\n"
	for _, c := range []struct{ dir, want string }{
		{"/tmp/bench", "ext4"},
		{"/dev/shm", "tmpfs"},
		{"/dev/shm/bench", "tmpfs"},
		{"/database", "ext4"}, // a prefix of the name is not the mount
		{"/data/x", "xfs"},
	} {
		require.Equal(t, c.want, fileSystem(c.dir, mounts), c.dir)
	}
}

func TestOrder_GivesEachContenderEachPosition(t *testing.T) {
	contenders := []contender{{name: "a"}, {name: "b"}, {name: "c"}}
	places := map[string]map[int]bool{"a": {}, "b": {}, "c": {}}
	for round := range 6 {
		turned := order(contenders, round)
		require.Len(t, turned, 3)
		for place, c := range turned {
			places[c.name][place] = true
		}
	}
	for name, taken := range places {
		require.Len(t, taken, 3, name)
	}
}
