//go:build unix

package guests

import "golang.org/x/sys/unix"

// descriptors returns how many files the process may open; 0 if that is unknown.
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), 1<<30))
}
