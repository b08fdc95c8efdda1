// Package files stores documents as plain files on one machine, in the terms of Genesys UCS
// (Universal Contact Server): a document has an id of at most 16 characters, TheName,
// MimeType, Description and TheSize. In a cluster, package objects does the same in JetStream.
//
// The store's directory has a directory a day:
//
//	2026-11-28/
//	    2523x3Zk9mQ0aB1c         a document: exactly its bytes
//	    2523x3Zk9mQ0aB1c.json    its description, written at the offer
//	    2523x3Zk9mQ0aB1c.links   its links, once they have changed
//	    2523Tq81LmWz0yX4.part    an upload whose bytes arrive
//	.gone-2026-10-28/            a day that is being deleted
//
// What a writer has reported as durable survives a power failure: its bytes, its length, its
// name and its description. One sync makes every piece durable that was written before it. A
// document is its staged file under another name, so Add copies nothing, and an unfinished
// file has no name that Open reads.
//
// One process uses a directory at a time; the caller holds its lock. So the right to write
// a content is a pointer in memory.
//
//	s, err := files.Open(files.Options{Dir: filepath.Join(data, "documents"), Volume: engine.Volume()})
//	w, err := s.Begin(ctx, proxy.Document{ID: s.NewID(), Name: "a.pdf", Size: size}, 0)
//	err = w.Append(ctx, piece, func(durable int64, err error) { … })
//	_, err = s.Add(ctx, d)
//	err = s.Settle(ctx, d.ID)
//	content, err := s.Open(ctx, d.ID)
package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"attache/proxy"
	"attache/proxy/docid"
)

// Volume is the health of the volume with the store's directory: package engine's, so that
// content and JetStream begin and end an outage together.
type Volume interface {
	// AdmitUpload and AdmitWrite fail with code storage-full or storage-unavailable if no
	// new upload should begin, or none should be written to.
	AdmitUpload() error
	AdmitWrite() error
	// WriteFailed reports a write that has failed. It does nothing once another Volume has
	// taken the place of this one: see Reopen.
	WriteFailed(err error)
}

// Options say where the store is. Dir is required.
type Options struct {
	// Dir is the store's own directory. Its parent must exist.
	Dir string
	// Volume is asked before writes, and notified of those that fail; nil: always healthy.
	Volume Volume
	// MaxOpen bounds the open files of staged content; 0 is 256.
	MaxOpen int
	// Linger is how long pieces may wait for others before they are synced together; 0 is
	// 5 ms, and a negative time none.
	Linger time.Duration
	// Now is the clock that selects the day's directory; nil means time.Now.
	Now func() time.Time
	// Log receives the store's repairs; nil drops them.
	Log *slog.Logger

	// Disk takes the place of Dir in tests.
	Disk Disk
}

// Store holds documents in plain files. Any number of goroutines may use it.
type Store struct {
	dir      string
	now      func() time.Time
	log      *slog.Logger
	linger   time.Duration
	days     *days
	handles  *handles
	rebuilds chan struct{} // hashes that are being rebuilt
	usage    *usage

	ctx     context.Context // ends with Close
	close   context.CancelFunc
	running sync.WaitGroup

	// sweeping is held for reading while links change, and for writing while a day is swept.
	sweeping sync.RWMutex

	mu       sync.Mutex
	disk     *opening
	contents contents
	given    map[string]bool // ids given away since the store was opened; nil after the first sweep
}

var (
	_ proxy.Staging   = (*Store)(nil)
	_ proxy.Documents = (*Store)(nil)
	_ proxy.Settler   = (*Store)(nil)
	_ proxy.Links     = (*Store)(nil)
	_ proxy.Updater   = (*Store)(nil)
)

// maxRebuilds bounds the processors and the disk that reading unfinished uploads again may
// use after a restart.
const maxRebuilds = 2

// Open opens the store, and makes its directory if it is new.
func Open(o Options) (*Store, error) {
	s := &Store{
		dir: o.Dir, now: o.Now, given: map[string]bool{},
		linger:   cmp.Or(o.Linger, 5*time.Millisecond),
		log:      cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		handles:  newHandles(cmp.Or(o.MaxOpen, 256)),
		rebuilds: make(chan struct{}, maxRebuilds),
	}
	if o.Volume == nil {
		o.Volume = healthy{}
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.days = newDays(s)
	s.ctx, s.close = context.WithCancel(context.Background())
	s.usage = &usage{running: &s.running, stop: s.ctx.Done()}
	if o.Disk == nil {
		if err := makeDirectory(s.dir); err != nil {
			return nil, fmt.Errorf("make the document store's directory: %w", err)
		}
		disk, err := openDirectory(s.dir)
		if err != nil {
			return nil, fmt.Errorf("open the document store's directory: %w", err)
		}
		o.Disk = disk
	}
	s.disk = s.opening(o.Disk, o.Volume)
	return s, nil
}

// makeDirectory makes the directory, durably.
func makeDirectory(path string) error {
	err := os.Mkdir(path, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	parent, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

func (s *Store) opening(d Disk, v Volume) *opening {
	return &opening{Disk: d, volume: v, usage: s.usage}
}

// Reopen replaces the directory after an outage, because another file system may be mounted
// there, and its volume. The caller may close dir. Writes under way in the former one fail; what
// is known of unfinished content stays, and is compared with the files when they are opened.
func (s *Store) Reopen(dir *os.Root, v Volume) error {
	root, err := dir.OpenRoot(".")
	if err != nil {
		return fmt.Errorf("open the document store's directory again: %w", err)
	}
	s.mu.Lock()
	old := s.disk
	s.disk = s.opening(&directory{root}, v)
	s.mu.Unlock()
	old.end()
	s.days.forget()
	s.handles.closeIdle()
	return nil
}

// Close waits until everything that was appended is durable or has failed.
func (s *Store) Close() {
	s.close()
	s.running.Wait()
	s.handles.closeIdle()
	s.files().end()
}

// files is the disk, which Reopen replaces.
func (s *Store) files() *opening {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.disk
}

// NewID returns a fresh document id.
func (s *Store) NewID() string { return s.newID(docid.New(s.now())) }

// AdmitUpload fails with code storage-full when no new upload should begin.
func (s *Store) AdmitUpload() error { return s.files().volume.AdmitUpload() }

// healthy is a volume that never fails.
type healthy struct{}

func (healthy) AdmitUpload() error { return nil }
func (healthy) AdmitWrite() error  { return nil }
func (healthy) WriteFailed(error)  {}
