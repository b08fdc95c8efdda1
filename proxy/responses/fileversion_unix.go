//go:build unix

package responses

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// status returns the file's inode and the time of its last change of status; zero if the system
// does not say.
func status(f *os.File) (inode uint64, changed time.Time) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return 0, time.Time{}
	}
	return uint64(s.Ino), time.Unix(s.Ctim.Unix())
}
