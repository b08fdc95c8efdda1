// Package spool holds whole documents for a while that can be read only once, or only from their
// beginning: those that are being scanned, and those of a store that knows no ranges.
//
//	s, err := spool.Open(spool.Options{Dir: dir})
//	f, err := s.Create(size)       // room for that many bytes, or busy or storage-full
//	s.Keep(f, key, document)       // after size bytes were written; or f.Discard()
//	content := s.Content(key)      // seekable; nil if it is no longer there
//
// It is bounded. What nobody reads makes room, the least recently used first.
package spool

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/proxy"
)

// Options are the options of [Open].
type Options struct {
	// Dir is the spool's directory, which no other process may use: everything in it is
	// removed. It is created. Required.
	Dir string
	// MaxBytes bounds the spool. Default: 1 GiB.
	MaxBytes int64
	// Reserve is how many bytes of the volume stay free. Default: twice the engine's reserve,
	// where new uploads are refused, too: a tenth, at most 2 GiB.
	Reserve int64
}

// Spool is a directory of whole documents. Its files have no names, so nothing of them outlives
// the process, and nobody finds them.
type Spool struct {
	root          *os.Root
	most, reserve int64

	mu     sync.Mutex
	used   int64 // of files, and of those that are being written
	files  map[string]*kept
	closed bool
}

// File is a document that is being written.
type File struct {
	*os.File
	size  int64
	spool *Spool
}

// kept is a document in the spool.
type kept struct {
	*File
	document proxy.Document
	readers  int
	last     time.Time // when it was last used
}

// Open opens the directory and removes everything in it.
func Open(o Options) (*Spool, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the spool: %w", err)
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	s := &Spool{root: root, most: cmp.Or(o.MaxBytes, 1<<30), reserve: o.Reserve, files: map[string]*kept{}}
	if err := s.empty(); err != nil {
		root.Close()
		return nil, fmt.Errorf("empty the spool: %w", err)
	}
	return s, nil
}

func (s *Spool) empty() error {
	dir, err := s.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.root.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

// Close frees the disk space of all files that are not being read. Contents that are open stay
// readable.
func (s *Spool) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.files {
		s.drop(key)
	}
	s.closed = true
	s.root.Close()
}

// Create makes a file with room for that many bytes, and drops for it what nobody reads. Codes
// busy and storage-full if there is none, and storage-unavailable.
func (s *Spool) Create(size int64) (*File, error) {
	if err := s.make(size); err != nil {
		return nil, err
	}
	f, err := s.create()
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.used -= size
		return nil, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return &File{f, size, s}, nil
}

func (s *Spool) make(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.used+size > s.most {
		oldest, found := s.oldest()
		if !found {
			return bridge.NewError(bridge.CodeBusy, "too many documents are being read")
		}
		s.drop(oldest)
	}
	free, reserve, err := s.free()
	if err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	if free-size < reserve {
		return bridge.NewError(bridge.CodeStorageFull, "there is no disk space to read the document")
	}
	s.used += size
	return nil
}

// free is how many bytes the volume has, and how many of them stay free.
func (s *Spool) free() (free, reserve int64, err error) {
	dir, err := s.root.Open(".")
	if err != nil {
		return 0, 0, err
	}
	defer dir.Close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
		return 0, 0, fmt.Errorf("measure the spool's volume: %w", err)
	}
	if s.reserve != 0 {
		return int64(st.Bavail) * int64(st.Bsize), s.reserve, nil
	}
	return int64(st.Bavail) * int64(st.Bsize), min(2<<30, int64(st.Blocks)*int64(st.Bsize)/10), nil
}

// oldest is the file that nobody has read for the longest time.
func (s *Spool) oldest() (key string, found bool) {
	for other, f := range s.files {
		if f.readers == 0 && (!found || f.last.Before(s.files[key].last)) {
			key, found = other, true
		}
	}
	return key, found
}

// drop forgets a file. Its last reader closes it.
func (s *Spool) drop(key string) {
	f := s.files[key]
	delete(s.files, key)
	if f.readers == 0 {
		s.discard(f.File)
	}
}

// discard closes a file, and gives its room back.
func (s *Spool) discard(f *File) {
	f.File.Close()
	s.used -= f.size
}

// Discard drops a file that was not kept.
func (f *File) Discard() {
	f.spool.mu.Lock()
	defer f.spool.mu.Unlock()
	f.spool.discard(f)
}

// create makes a file that has no name once it is returned.
func (s *Spool) create() (*os.File, error) {
	name := rand.Text()
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Keep adds a written file, which has as many bytes as room was made for, unless there is one
// under that key already.
func (s *Spool) Keep(f *File, key string, d proxy.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.files[key]; known || s.closed {
		s.discard(f)
		return
	}
	s.files[key] = &kept{File: f, document: d, last: time.Now()}
}

// Content opens what was kept under that key; nil if it is no longer there.
func (s *Spool) Content(key string) proxy.Content {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[key]
	if f == nil {
		return nil
	}
	f.readers++
	f.last = time.Now()
	return &content{
		SectionReader: io.NewSectionReader(f.File.File, 0, f.size), document: f.document,
		close: sync.OnceFunc(func() { s.close(key, f) }),
	}
}

// close ends one use of a file.
func (s *Spool) close(key string, f *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.readers--
	f.last = time.Now()
	if f.readers == 0 && s.files[key] != f {
		s.discard(f.File)
	}
}

// Drop forgets what was kept under that key. Contents that are open stay readable.
func (s *Spool) Drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files[key] != nil {
		s.drop(key)
	}
}

// Sweep drops what nobody reads and nobody has used since that time.
func (s *Spool) Sweep(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, f := range s.files {
		if f.readers == 0 && !f.last.After(since) {
			s.drop(key)
		}
	}
}

// Used is how many bytes the spool takes, and how many documents it has.
func (s *Spool) Used() (bytes int64, files int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, len(s.files)
}

// content is a reader of a file.
type content struct {
	*io.SectionReader
	document proxy.Document
	close    func()
}

func (c *content) Document() proxy.Document { return c.document }

func (c *content) Close() error {
	c.close()
	return nil
}
