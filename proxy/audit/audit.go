// Package audit keeps who did what in a file that shows when it was changed.
//
// The file is only ever appended to, a line an entry, each line JSON on its own
// and durable before [Log.Write] returns. Lines that come while others are being
// flushed are flushed together, so that who writes many holds up nobody. A line
// carries the SHA-256 of the line before it, so that one that was removed, changed
// or put in breaks the chain
// ([Check]). No key is part of that: who may write the file could make another
// chain of it, so its last hash is worth noting elsewhere now and then. A hash
// noted stands in the file for as long as that is what it was.
//
//	log, err := audit.Open("/var/log/attache/audit", audit.Options{})
//	proxy.New(proxy.Config{Audit: log, …})
//	deliver.Start(ctx, deliver.Options{Audit: log, …})
//
// What it promises:
//
//   - A refused offer, a ticket and a download have their line before they
//     happen. A ticket or a download whose line cannot be written does not. How
//     often a ticket is used at one proxy, in one piece or in many, is not kept.
//   - An upload's end has its line at least once, after it is final. The message
//     that stands for the end stays in the delivery's queue until the line is
//     durable, so a proxy that dies in between leaves it to the next one; one that
//     dies between the line and the queue's hearing of it leaves a second line of
//     the same session, key and end.
//   - A verdict that lets a file not pass has its line before the upload fails
//     for it, and again where that has to be repeated.
//
// Any proxy of a cluster may deliver what another has accepted, and each has a
// file of its own: an upload's lines may be in several, and all proxies should
// keep one or none.
//
// A process that dies in the middle of a line leaves a part of one. The next that
// opens the file ends it and says so in a line of its own. To rotate the file,
// rename it and have it opened again: the new one begins with the hash that the
// old one ends with, and [Check] follows from one to the other.
package audit

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"attache/proxy"
)

// Options say what a Log keeps.
type Options struct {
	// Names has the files' names kept as well; they may be personal.
	Names bool
	// Log is told what is wrong with the file. Default: discarded.
	Log *slog.Logger
}

// Log is an audit file that is open. No other Log, in any process, has it open
// at the same time.
type Log struct {
	Options
	path string

	joining sync.Mutex
	next    *batch // that an entry which comes now is written with; nil: a new one

	mu    sync.Mutex
	file  *os.File
	flush func(*os.File) error
	last  string // hash of its last line
	ready bool   // the file ends with a whole line, and last is of that
}

var _ proxy.Audit = (*Log)(nil)

// Open goes on with the file at path, or creates it for its owner alone. It fails
// where another process has it open, or where it is not a file that can be read
// again.
func Open(path string, o Options) (*Log, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := &Log{Options: o, path: path, flush: (*os.File).Sync}
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := l.begin(file, ""); err != nil {
		file.Close()
		return nil, err
	}
	return l, nil
}

// begin goes on with file; a file that is empty begins with a line that carries
// the hash before.
func (l *Log) begin(file *os.File, before string) error {
	next := &Log{Options: l.Options, path: l.path, file: file, flush: l.flush}
	if err := next.mend(); err != nil {
		return err
	}
	if next.last == "" {
		if err := next.append(before, line{Act: actOpened}); err != nil {
			return err
		}
	}
	l.file, l.last, l.ready = file, next.last, true
	return nil
}

// append writes lines in one piece, each with the hash of the one before, the first
// with prev. When it fails, nobody knows what the file holds, before mend has
// looked.
func (l *Log) append(prev string, lines ...line) error {
	var text []byte
	for _, made := range lines {
		made.Prev = prev
		one := made.text()
		prev = hash(one)
		text = append(append(text, one...), '\n')
	}
	l.ready = false
	if _, err := l.file.Write(text); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	if err := l.flush(l.file); err != nil {
		return fmt.Errorf("flush the audit log: %w", err)
	}
	l.last, l.ready = prev, true
	return nil
}

// Reopen goes on with whatever file is at the path now: after that of before was
// renamed, with a new one. When it fails, the log goes on with the file it has.
func (l *Log) Reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if same(l.file, l.path) {
		return nil
	}
	if !l.ready {
		if err := l.mend(); err != nil {
			return err
		}
	}
	old := l.file
	file, err := open(l.path)
	if err != nil {
		return err
	}
	if err := l.begin(file, l.last); err != nil {
		file.Close()
		return err
	}
	return old.Close()
}

func same(file *os.File, path string) bool {
	a, errA := file.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// Close lets the file go.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

var _ io.Closer = (*Log)(nil)
