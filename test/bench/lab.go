package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lab is shared by all experiments: one browser, the peers, the product and the test
// files, all under one temporary directory on one disk.
type lab struct {
	options
	store    string // of the product that startProduct starts
	log      *slog.Logger
	source   string // directory of the bench's own files
	dir      string
	files    string
	chromium *chromium
	peers    *peers
	tus      *tusPeer
	made     map[int64]testFile // see file
	cleanup  []func()
}

// openLab starts everything. The caller must call close even after an error.
func openLab(ctx context.Context, o options, log *slog.Logger) (*lab, error) {
	l := &lab{options: o, log: log, made: map[int64]testFile{}, source: output("go", "list", "-f", "{{.Dir}}", "attache/test/bench")}
	var err error
	if l.dir, err = os.MkdirTemp(o.dir, "attache-bench-*"); err != nil {
		return l, err
	}
	l.atEnd(func() { _ = os.RemoveAll(l.dir) })
	l.files = filepath.Join(l.dir, filesDir)
	if err := os.Mkdir(l.files, 0o700); err != nil {
		return l, err
	}
	if l.chromium, err = startChromium(ctx, o.chromium, filepath.Join(l.dir, "profile")); err != nil {
		return l, err
	}
	l.atEnd(l.chromium.stop)
	if l.peers, err = l.startPeers(ctx); err != nil {
		return l, fmt.Errorf("start the peers: %w", err)
	}
	l.atEnd(l.peers.stop)
	if l.tus, err = l.startTus(ctx, filepath.Join(l.dir, "tus")); err != nil {
		return l, fmt.Errorf("start the tus peer: %w", err)
	}
	l.atEnd(l.tus.stop)
	return l, nil
}

// file returns a test file of that size, made when it is first needed.
func (l *lab) file(size int64) (testFile, error) {
	if made, found := l.made[size]; found {
		return made, nil
	}
	made, err := makeFile(l.files, fmt.Sprintf("%d.bin", size), size)
	if err != nil {
		return testFile{}, err
	}
	l.made[size] = made
	return made, nil
}

// room returns an error if the disk has less room than a row is going to need, with some
// left for others.
func (l *lab) room(bytes int64) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(l.dir, &disk); err != nil {
		return fmt.Errorf("measure the disk: %w", err)
	}
	bytes += 2 * gib
	if free := int64(disk.Bavail) * disk.Bsize; free < bytes {
		return fmt.Errorf("%s has %.1f GiB free and needs %.1f: give another -dir, fewer -rounds or a smaller -size or -content",
			l.dir, float64(free)/gib, float64(bytes)/gib)
	}
	return nil
}

func (l *lab) atEnd(f func()) { l.cleanup = append(l.cleanup, f) }

// close stops what was started, last first.
func (l *lab) close() {
	for i := len(l.cleanup) - 1; i >= 0; i-- {
		l.cleanup[i]()
	}
}
