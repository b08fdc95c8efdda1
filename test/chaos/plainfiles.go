package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"attache/test/chaos/bugs"
)

// plainFiles reads a directory of documents as an operator does, and compares it with the
// journal. It assumes of the store, from docs/operating.md and nothing else:
//
//  1. a document is a file in a directory a day, named by its id, with exactly its bytes;
//  2. beside it, ID.json names it, and has a second line once its bytes are whole;
//  3. bytes of an upload that has not ended are in ID.part, which nobody can download;
//  4. beside the days is only a file that says which volume this is.
type plainFiles struct {
	documents string // the directory with a notice for each document
	staged    string // another one for uploads only; empty: they are beside the documents

	mu   sync.Mutex
	seen map[string]sight // by id: each document when it first had its name
}

type sight struct {
	size   int64
	digest [sha256.Size]byte
}

// plainFiles returns the files of the stage; nil if its store is another.
func (s *stage) plainFiles(on store) *plainFiles {
	if on != bugs.Files {
		return nil
	}
	p := &plainFiles{documents: filepath.Join(s.dir, proxyDir, "documents"), seen: map[string]sight{}}
	if s.backend != nil {
		p.documents = filepath.Join(s.dir, backendDir, "documents")
		p.staged = filepath.Join(s.dir, proxyDir, "staged")
	}
	return p
}

// lookEvery is how often watch looks for new documents. The kernel reads what it has just
// written from memory.
const lookEvery = 10 * time.Millisecond

// watch reads each document as soon as it has its name, until ctx ends: it must be
// whole from the beginning.
func (p *plainFiles) watch(ctx context.Context) {
	if p == nil {
		return
	}
	for pause(ctx, lookEvery) {
		p.look()
	}
}

func (p *plainFiles) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, path := range list(p.documents).documents {
		if _, known := p.seen[id]; known {
			continue
		}
		if s, err := read(path); err == nil {
			p.seen[id] = s
		}
	}
}

// listing has the paths of all files below a directory, by id.
type listing struct {
	documents, descriptions, parts map[string]string
	others                         []string
}

var dayName = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)

// list lists a directory. It ignores errors: what it does not find is reported as missing.
func list(dir string) listing {
	l := listing{map[string]string{}, map[string]string{}, map[string]string{}, nil}
	days, _ := os.ReadDir(dir)
	for _, day := range days {
		if day.Type().IsRegular() && day.Name() == "volume" {
			continue
		}
		if !day.IsDir() || !dayName.MatchString(day.Name()) {
			l.others = append(l.others, day.Name())
			continue
		}
		files, _ := os.ReadDir(filepath.Join(dir, day.Name()))
		for _, f := range files {
			path := filepath.Join(dir, day.Name(), f.Name())
			id, kind, dotted := strings.Cut(f.Name(), ".")
			switch {
			case !f.Type().IsRegular():
				l.others = append(l.others, path)
			case !dotted:
				l.documents[id] = path
			case kind == "json":
				l.descriptions[id] = path
			case kind == "part":
				l.parts[id] = path
			default:
				l.others = append(l.others, path)
			}
		}
	}
	return l
}

func read(path string) (s sight, err error) {
	f, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	h := sha256.New()
	s.size, err = io.Copy(h, f)
	h.Sum(s.digest[:0])
	return s, err
}

// verify compares the files with the journal, once every upload is final. Files of
// uploads that failed may be removed a moment later.
func (p *plainFiles) verify(ctx context.Context, f *field) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	remains := p.remains()
	for len(remains) > 0 && pause(ctx, 5*lookEvery) {
		remains = p.remains()
	}
	p.look()
	announced := f.journal.documents()
	for id, what := range remains {
		f.findings.add(left, "%s: %s", id, what)
	}
	now := list(p.documents)
	for id, s := range p.seen {
		switch i := announced[id]; {
		case i == nil:
			f.findings.add(exposed, "%s could be read by its name, but no notice names it", id)
		case s.size != i.size || s.digest != i.digest:
			f.findings.add(exposed, "%s of %d bytes had other content when its file got its name: %d bytes", i.key, i.size, s.size)
		}
	}
	for id, i := range announced {
		s, err := read(now.documents[id])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.findings.add(lost, "%s was announced as document %s, which is not a file", i.key, id)
		case err != nil:
			f.findings.add(lost, "%s was announced, but its file cannot be read: %v", i.key, err)
		case s.size != i.size || s.digest != i.digest:
			f.findings.add(corrupted, "%s: its file has %d bytes with another digest than the %d sent", i.key, s.size, i.size)
		case now.descriptions[id] == "":
			f.findings.add(lost, "%s was announced, but its file has no description", i.key)
		}
	}
}

// remains returns what must not be there once every upload is final. A kill while an
// upload begins, before it has a record, leaves a description without a seal and an empty
// file at most: nobody can read them, and they are removed with their day.
func (p *plainFiles) remains() map[string]string {
	all := map[string]string{}
	for _, dir := range []string{p.documents, p.staged} {
		if dir == "" {
			continue
		}
		l := list(dir)
		for _, name := range l.others {
			all[name] = "a file of another name"
		}
		for id, path := range l.parts {
			if info, err := os.Lstat(path); err == nil && info.Size() > 0 {
				all[id] = "bytes of an upload that has ended are still there"
			}
			if l.documents[id] != "" {
				all[id] = "it is a document, and still an upload"
			}
		}
		for id, path := range l.descriptions {
			text, _ := os.ReadFile(path)
			if l.documents[id] == "" && l.parts[id] == "" && bytes.Count(text, []byte{'\n'}) > 1 {
				all[id] = "the description of a content that is gone: " + string(text)
			}
		}
		for id := range l.documents {
			if dir == p.staged {
				all[id] = "an upload has a name that can be read"
			}
		}
	}
	return all
}
