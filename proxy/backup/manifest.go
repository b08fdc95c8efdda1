package backup

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	manifestFile = "manifest.json"
	contentFile  = "content"
	formatNow    = 1
)

// Manifest says what a backup is.
type Manifest struct {
	Format  int       `json:"format"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"`
	Streams []string  `json:"streams"`
	Files   int       `json:"files"` // documents, and staged content of uploads
	Bytes   int64     `json:"bytes"` // of all of them, with their descriptions
}

func writeManifest(dir string, m Manifest) error {
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, manifestFile), append(b, '\n'))
}

// readManifest fails with fs.ErrNotExist if dir is not a backup.
func readManifest(dir string) (m Manifest, err error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("read %s: %w", filepath.Join(dir, manifestFile), err)
	}
	if m.Format != formatNow {
		return m, fmt.Errorf("the backup %s has format %d, and this release reads %d: restore it with the release that made it", dir, m.Format, formatNow)
	}
	return m, nil
}

// writeSizes writes a line for each file: its size and its name.
func writeSizes(dir string, sizes map[string]int64) error {
	return createFile(filepath.Join(dir, contentFile), func(w io.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(sizes)) {
			if _, err := fmt.Fprintf(w, "%d %s\n", sizes[name], filepath.ToSlash(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// readSizes calls each for the lines that writeSizes wrote. A name that leads out of the backup
// is an error.
func readSizes(dir string, each func(name string, size int64) error) error {
	path := filepath.Join(dir, contentFile)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		number, name, _ := strings.Cut(lines.Text(), " ")
		size, err := strconv.ParseInt(number, 10, 64)
		root, _, _ := strings.Cut(name, "/")
		if err != nil || size < 0 || !fs.ValidPath(name) || !slices.Contains(roots, root) {
			return fmt.Errorf("%s has a line that is not a size and a name: %q", path, lines.Text())
		}
		if err := each(filepath.FromSlash(name), size); err != nil {
			return err
		}
	}
	return lines.Err()
}

const (
	// nameLayout is a backup's name: the time when it began, in UTC. Names sort by time.
	nameLayout    = "2006-01-02T15-04-05.000Z"
	partialPrefix = ".partial-"
)

// whole lists the backups in a directory of backups, the newest first, and the remains of those
// that were cut.
func whole(dir string) (backups, partial []string, err error) {
	names, err := list(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Backward(names) {
		path := filepath.Join(dir, name)
		if strings.HasPrefix(name, partialPrefix) {
			partial = append(partial, path)
			continue
		}
		if _, err := time.Parse(nameLayout, name); err == nil {
			backups = append(backups, path)
		}
	}
	return backups, partial, nil
}

// find returns dir itself if it is a backup, or else the newest one in it.
func find(dir string) (string, Manifest, error) {
	m, err := readManifest(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return dir, m, err
	}
	backups, _, err := whole(dir)
	if err == nil && len(backups) == 0 {
		err = fmt.Errorf("%s is not a backup and has none", dir)
	}
	if err != nil {
		return "", m, err
	}
	m, err = readManifest(backups[0])
	return backups[0], m, err
}
