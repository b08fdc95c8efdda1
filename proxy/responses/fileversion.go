package responses

import (
	"os"
	"time"
)

// fileVersion tells a file from the same one after a change. Size and date alone do not: a copy
// that keeps the date (cp -p, rsync -t) may have the same size.
type fileVersion struct {
	size     int64
	modified time.Time
	inode    uint64
	changed  time.Time // of its status, which every write changes and no program sets
}

func versionOf(f *os.File) (fileVersion, error) {
	info, err := f.Stat()
	if err != nil {
		return fileVersion{}, err
	}
	v := fileVersion{size: info.Size(), modified: info.ModTime()}
	v.inode, v.changed = status(f)
	return v, nil
}
